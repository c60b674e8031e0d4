import type { RemoteInfo } from 'node:dgram'
import { type Clock, TokenBucket } from '@dittofs/interface'

/** An Ethernet frame's payload: nothing sent here is longer, and what is longer was not meant for us. */
const MAX_PACKET_BYTES = 1_500
/** One neighbour cannot use up what is there for all. Each may be heard over several interfaces and addresses. */
const PACKETS_PER_SECOND_OF_SOURCE = 10
const PACKET_BURST_OF_SOURCE = 40
/** Sources with a count of their own; past it all counts start anew, and the common limit still holds. */
const MAX_SOURCES = 512

export interface PacketGateInit {
  clock: Clock
  /** Packets of all neighbours together, as many as parsing them may cost time. */
  perSecond: number
  burst: number
}

/** Decides which datagrams are worth parsing: neighbours' only, not too long, not too many. */
export class PacketGate {
  readonly #clock: Clock
  readonly #all: TokenBucket
  readonly #bySource = new Map<string, TokenBucket>()
  #isOnLink: (address: string) => boolean = () => false

  constructor(init: PacketGateInit) {
    this.#clock = init.clock
    this.#all = new TokenBucket(init.perSecond, init.burst, init.clock.monotonic())
  }

  /** @param isOnLink - whether an address is a neighbour's: what came through a router is not heard (RFC 6762, 11) */
  setNeighbourhood(isOnLink: (address: string) => boolean): void {
    this.#isOnLink = isOnLink
  }

  admits(message: Buffer, { address }: RemoteInfo): boolean {
    if (message.length > MAX_PACKET_BYTES || !this.#isOnLink(address)) return false
    const nowMs = this.#clock.monotonic()
    let source = this.#bySource.get(address)
    if (source === undefined) {
      if (this.#bySource.size >= MAX_SOURCES) this.#bySource.clear()
      source = new TokenBucket(PACKETS_PER_SECOND_OF_SOURCE, PACKET_BURST_OF_SOURCE, nowMs)
      this.#bySource.set(address, source)
    }
    return source.take(1, nowMs) && this.#all.take(1, nowMs)
  }
}
