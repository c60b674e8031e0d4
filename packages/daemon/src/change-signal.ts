import type { Unsubscribe } from '@dittofs/interface'

/** Tells listeners that something changed, once for all changes of one turn of the event loop. */
export class ChangeSignal {
  readonly #listeners = new Set<() => void>()
  #isScheduled = false

  /** Whatever changed: listeners ask for what they want to know. */
  readonly raise = (): void => {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      for (const listener of [...this.#listeners]) listener()
    })
  }

  listen(listener: () => void): Unsubscribe {
    const own = () => listener()
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  clear(): void {
    this.#listeners.clear()
  }
}
