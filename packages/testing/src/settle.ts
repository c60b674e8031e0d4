import { setImmediate } from 'node:timers/promises'

/** Lets promises that wait for nothing but each other run: `turns` rounds of the event loop. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await setImmediate()
}
