import type { AbortOptions } from '@dittofs/interface'

/** Lets a bounded number in at one time; the others wait in order. */
export class Gate {
  readonly #places: number
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#places = places
  }

  /**
   * Waits for a place.
   *
   * @returns gives the place back; calling it again does nothing
   * @throws the signal's reason
   */
  async enter(options: AbortOptions = {}): Promise<() => void> {
    options.signal?.throwIfAborted()
    if (this.#taken < this.#places) this.#taken++
    else await this.#wait(options.signal)
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const next = this.#waiting.shift()
      if (next === undefined) this.#taken--
      else next()
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1)
        reject(signal?.reason)
      }
      this.#waiting.push(enter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}
