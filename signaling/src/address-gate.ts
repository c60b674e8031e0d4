import { TokenBucket } from '@dittofs/interface'

interface Source {
  connections: number
  readonly registrations: TokenBucket
}

export interface AddressGateLimits {
  readonly connectionsPerAddress: number
  readonly registrationsPerSecond: number
}

/** Counts what comes from one address. Knows numbers only; what it remembers is bounded by the connections there are. */
export class AddressGate {
  readonly #limits: AddressGateLimits
  readonly #sources = new Map<string, Source>()

  constructor(limits: AddressGateLimits) {
    this.#limits = limits
  }

  /** @returns whether a connection from there may be; it is counted then, until {@link leave} */
  enter(source: string, nowMs: number): boolean {
    const { connectionsPerAddress, registrationsPerSecond } = this.#limits
    let known = this.#sources.get(source)
    if (known === undefined) {
      known = {
        connections: 0,
        registrations: new TokenBucket(registrationsPerSecond, registrationsPerSecond, nowMs),
      }
      this.#sources.set(source, known)
    }
    if (known.connections >= connectionsPerAddress) return false
    known.connections++
    return true
  }

  leave(source: string): void {
    const known = this.#sources.get(source)
    if (known !== undefined) known.connections--
  }

  mayRegister(source: string, nowMs: number): boolean {
    return this.#sources.get(source)?.registrations.take(1, nowMs) ?? false
  }

  /**
   * Forgets addresses that nothing comes from. Not at once when the last connection leaves: whoever reconnects each
   * time would have no limit.
   */
  sweep(nowMs: number): void {
    for (const [source, { connections, registrations }] of this.#sources) {
      if (connections === 0 && registrations.isFull(nowMs)) this.#sources.delete(source)
    }
  }

  get size(): number {
    return this.#sources.size
  }
}
