import { setImmediate } from 'node:timers/promises'

/** Runs work that comes in steps of a millisecond at most, giving others a turn between them. */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await setImmediate()
  }
}
