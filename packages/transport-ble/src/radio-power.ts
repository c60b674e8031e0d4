import type { EventEmitter } from 'node:events'
import type { Clock } from '@dittofs/interface'
import { radioUnavailable } from './radio-unavailable.ts'

/** An adapter that is there says so within a fraction of this. */
const POWER_TIMEOUT_MS = 4_000
/** States that no waiting changes. */
const HOPELESS: ReadonlySet<string> = new Set(['unsupported', 'unauthorized'])

/** What the packages for both halves of the radio have in common. */
export interface PoweredRadio extends EventEmitter {
  readonly state: string
}

/**
 * Switches a package on, which begins with the first listener for its state, and waits until its adapter is there.
 *
 * @throws DittoError DITTO_UNSUPPORTED
 */
export async function powerOn(radio: PoweredRadio, clock: Clock): Promise<void> {
  const done = new AbortController()
  // The packages end the process on Ctrl-C when their listener is the last one; how to end is for the program to say.
  const interruptListeners = new Set(process.listeners('SIGINT'))
  try {
    await new Promise<void>((resolve, reject) => {
      let latest = 'no answer'
      const follow = (state: string): void => {
        latest = state
        if (state === 'poweredOn') resolve()
        else if (HOPELESS.has(state)) reject(radioUnavailable(state))
      }
      radio.on('stateChange', follow)
      radio.on('warning', (text: string) => {
        if (text.startsWith('Initialization')) reject(radioUnavailable(text))
      })
      if (radio.state !== 'unknown') follow(radio.state)
      clock.sleep(POWER_TIMEOUT_MS, { signal: done.signal }).then(
        () => reject(radioUnavailable(latest)),
        () => undefined,
      )
    })
  } catch (error) {
    throw radioUnavailable(error)
  } finally {
    done.abort()
    for (const listener of process.listeners('SIGINT')) {
      if (!interruptListeners.has(listener)) process.off('SIGINT', listener)
    }
  }
}
