import { randomInt } from 'node:crypto'
import { type AbortOptions, type Address, type Clock, DittoError, systemClock } from '@dittofs/interface'
import { addressSource } from './address-source.ts'
import { AdmissionControl, type AdmissionLimits, DEFAULT_ADMISSION_LIMITS } from './admission-control.ts'

const RANDOM_STEPS = 2 ** 32

export interface ConnectionGateInit {
  clock?: Clock
  /** From 0 to below 1. Chooses who has to go; predictable choices would let an attacker keep its own. */
  random?: () => number
  /** Overrides of single limits. */
  limits?: Partial<AdmissionLimits>
}

/** A place among those not yet authenticated. */
export interface Admission {
  /** Waits for one of the places in TLS. Rejects with the signal's reason. */
  enterTls(options: AbortOptions): Promise<void>
  knockFailed(): void
  /** Gives the place back, whatever became of the connection. Calling it again does nothing. */
  leave(): void
}

/** Admission control for connections that others open. One for all transports and listeners of a device. */
export interface ConnectionGate {
  /**
   * @param onEvicted - called when the place goes to somebody else: drop the connection
   * @throws DittoError DITTO_LIMIT when there is no place: drop the connection without a word
   */
  admit(remote: Address, onEvicted: (reason: DittoError) => void): Admission
  /** Connections that hold a place, and those of them in TLS. */
  readonly streams: number
  readonly inTls: number
}

export function connectionGate(init: ConnectionGateInit = {}): ConnectionGate {
  return new AdmissionGate(init)
}

class AdmissionGate implements ConnectionGate {
  readonly #clock: Clock
  readonly #random: () => number
  readonly #control: AdmissionControl
  readonly #evictions = new Map<number, (reason: DittoError) => void>()
  /** Past the knock and waiting for a place in TLS, the longest first. */
  readonly #tlsQueue = new Map<number, () => void>()

  constructor(init: ConnectionGateInit) {
    this.#clock = init.clock ?? systemClock
    this.#random = init.random ?? unpredictable
    this.#control = new AdmissionControl({ ...DEFAULT_ADMISSION_LIMITS, ...init.limits }, this.#clock.monotonic())
  }

  get streams(): number {
    return this.#control.streams
  }

  get inTls(): number {
    return this.#control.inTls
  }

  admit(remote: Address, onEvicted: (reason: DittoError) => void): Admission {
    const source = addressSource(remote)
    const arrival = this.#control.arrive(source, this.#clock.monotonic(), this.#random())
    if (!arrival.isAdmitted) throw crowded()
    const { id, evicted } = arrival
    this.#evictions.set(id, onEvicted)
    if (evicted !== undefined) {
      const evict = this.#evictions.get(evicted)
      this.#forget(evicted)
      evict?.(crowded())
    }
    return {
      enterTls: (options) => this.#enterTls(id, options),
      knockFailed: () => this.#control.knockFailed(source, this.#clock.monotonic()),
      leave: () => this.#forget(id),
    }
  }

  async #enterTls(id: number, { signal }: AbortOptions): Promise<void> {
    signal?.throwIfAborted()
    if (this.#control.enterTls(id)) return
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#tlsQueue.delete(id)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#tlsQueue.set(id, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  #forget(id: number): void {
    this.#evictions.delete(id)
    this.#tlsQueue.delete(id)
    this.#control.leave(id)
    for (const [next, enter] of this.#tlsQueue) {
      if (!this.#control.enterTls(next)) break
      this.#tlsQueue.delete(next)
      enter()
    }
  }
}

function unpredictable(): number {
  return randomInt(RANDOM_STEPS) / RANDOM_STEPS
}

function crowded(): DittoError {
  return new DittoError('DITTO_LIMIT', 'Too many connections are waiting to be let in: try again in a moment.')
}
