import type { AbortOptions, Clock } from '@dittofs/interface'
import { Wakeup } from './wakeup.ts'

/** Questions to a peer whether it still answers. */
export class Pings {
  readonly #clock: Clock
  readonly #send: (nonce: number) => void
  readonly #open = new Map<number, Wakeup>()
  #nextNonce = 1

  constructor(clock: Clock, send: (nonce: number) => void) {
    this.#clock = clock
    this.#send = send
  }

  /** Sends one. @returns whether it is answered within the time; also `false` when the signal is aborted */
  async isAnswered(timeoutMs: number, options: AbortOptions): Promise<boolean> {
    const nonce = this.#nextNonce++
    const answer = new Wakeup()
    this.#open.set(nonce, answer)
    this.#send(nonce)
    try {
      return await answer.waitAtMost(timeoutMs, this.#clock, options)
    } catch {
      return false
    } finally {
      this.#open.delete(nonce)
    }
  }

  answered(nonce: number): void {
    this.#open.get(nonce)?.wake()
  }
}
