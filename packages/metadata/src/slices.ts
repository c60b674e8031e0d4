import { setImmediate } from 'node:timers/promises'

/** Runs work that comes in steps, giving others a turn between them. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
}

/** The same, until it is not wanted any more: then `undefined`. */
export async function inSlicesWhile<T>(steps: Generator<void, T>, isWanted: () => boolean): Promise<T | undefined> {
  while (isWanted()) {
    const step = steps.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
  steps.return(undefined as never)
  return undefined
}
