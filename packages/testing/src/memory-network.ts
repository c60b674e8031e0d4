import type { Address, Sighting } from '@dittofs/interface'
import type { MemoryDuplex } from './memory-duplex.ts'

export interface MemoryNetworkInit {
  /** Milliseconds that every write, end and loss takes to arrive. */
  latencyMs?: number
}

/** One listener of the network. */
export interface MemoryPort {
  readonly host: string
  readonly port: number
  accept(duplex: MemoryDuplex, remote: Address): void
}

/** One device that announces itself and hears others. */
export interface MemoryAnnouncer {
  readonly host: string
  hear(sighting: Sighting): void
  /** What it announces now. */
  current(): Sighting
}

/** A network in this process: hosts by name, their listeners, and which of them can reach each other. */
export class MemoryNetwork {
  readonly latencyMs: number
  /** Dials so far, refused ones included. */
  dials = 0
  readonly #ports = new Map<string, MemoryPort>()
  readonly #announcers = new Set<MemoryAnnouncer>()
  readonly #cuts = new Set<string>()
  readonly #connections = new Set<readonly [MemoryDuplex, string, string]>()
  #nextPort = 40_000

  constructor(init: MemoryNetworkInit = {}) {
    this.latencyMs = init.latencyMs ?? 0
  }

  /** Cuts two hosts off from each other, killing what runs between them, or joins them again. */
  setReachable(first: string, second: string, isReachable: boolean): void {
    const pair = pairKey(first, second)
    if (isReachable) {
      this.#cuts.delete(pair)
      return
    }
    this.#cuts.add(pair)
    for (const [duplex, ...hosts] of this.#connections) {
      if (pairKey(...hosts) === pair) duplex.destroy(new Error('the network was cut'))
    }
  }

  /** Ends every connection at once; new ones can be made. */
  cut(): void {
    for (const [duplex] of this.#connections) duplex.destroy(new Error('the network was cut'))
  }

  canReach(first: string, second: string): boolean {
    return !this.#cuts.has(pairKey(first, second))
  }

  freePort(): number {
    return this.#nextPort++
  }

  /** @returns whether the port was free */
  open(port: MemoryPort): boolean {
    const key = `${port.host}:${port.port}`
    if (this.#ports.has(key)) return false
    this.#ports.set(key, port)
    return true
  }

  close(port: MemoryPort): void {
    this.#ports.delete(`${port.host}:${port.port}`)
  }

  find(host: string, port: number): MemoryPort | undefined {
    return this.#ports.get(`${host}:${port}`)
  }

  /** Watches a connection so that a cut can kill it. */
  track(duplex: MemoryDuplex, from: string, to: string): void {
    const connection = [duplex, from, to] as const
    this.#connections.add(connection)
    duplex.once('close', () => this.#connections.delete(connection))
  }

  join(announcer: MemoryAnnouncer): void {
    this.#announcers.add(announcer)
    this.announce(announcer)
    for (const other of this.#announcers) {
      if (other !== announcer && this.canReach(other.host, announcer.host)) announcer.hear(other.current())
    }
  }

  leave(announcer: MemoryAnnouncer): void {
    this.#announcers.delete(announcer)
  }

  announce(announcer: MemoryAnnouncer): void {
    const sighting = announcer.current()
    for (const other of this.#announcers) {
      if (other !== announcer && this.canReach(other.host, announcer.host)) other.hear(sighting)
    }
  }
}

function pairKey(first: string, second: string): string {
  return [first, second].sort().join('\0')
}
