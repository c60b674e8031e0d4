import type {
  Announcement,
  Clock,
  DiscoverOptions,
  Discovery,
  DiscoveryState,
  Logger,
  RandomBytes,
} from '@dittofs/interface'
import { interfacesFingerprint, type NetworkInterfaces } from '../interfaces.ts'
import { BEACON_PORT, Beacon } from './beacon.ts'
import type { DiscoveryPart, DiscoveryPartInit } from './discovery-part.ts'
import { MDNS_PORT, Mdns } from './mdns.ts'
import { RecentSet } from './recent-set.ts'

/** How often the interfaces are looked at, what failed is tried again, and a renewed announcement is noticed. */
const FOLLOW_INTERVAL_MS = 10_000
/** Own nonces still on their way around after they were renewed. */
const MAX_OWN_NONCES = 16

export interface TcpDiscoveryInit {
  /** Whether to use mDNS. */
  mdns: boolean
  /** Whether to use the UDP beacon. */
  beacon: boolean
  mdnsPort?: number
  beaconPort?: number
  networkInterfaces: () => NetworkInterfaces
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger | undefined
}

/** Finds devices on the local network by mDNS and by a UDP beacon, each on every interface. */
export class TcpDiscovery implements Discovery {
  readonly #init: TcpDiscoveryInit
  readonly #options: DiscoverOptions
  readonly #parts: readonly DiscoveryPart[]
  readonly #states: readonly (() => DiscoveryState)[]
  readonly #ownNonces = new RecentSet(MAX_OWN_NONCES)
  readonly #stop = new AbortController()
  #interfaces = ''
  #following: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(init: TcpDiscoveryInit, options: DiscoverOptions) {
    this.#init = init
    this.#options = options
    const shared: Omit<DiscoveryPartInit, 'udpPort'> = {
      port: options.port,
      announcement: () => this.#announcement(),
      onSighting: (sighting) => {
        if (!this.#stop.signal.aborted) options.onSighting(sighting)
      },
      isOwn: (nonce) => this.#ownNonces.has(hex(nonce)),
      clock: init.clock,
      randomBytes: init.randomBytes,
      logger: init.logger,
    }
    const mdns = init.mdns ? new Mdns({ ...shared, udpPort: init.mdnsPort ?? MDNS_PORT }) : undefined
    const beacon = init.beacon ? new Beacon({ ...shared, udpPort: init.beaconPort ?? BEACON_PORT }) : undefined
    this.#parts = [mdns, beacon].filter((part) => part !== undefined)
    this.#states = [
      mdns ? () => mdns.state() : () => ({ name: 'mdns', isUp: false, reason: 'It is switched off.' }),
      beacon ? () => beacon.state() : () => ({ name: 'beacon', isUp: false, reason: 'It is switched off.' }),
    ]
  }

  /** Resolves once every means was opened, or has failed to for now. */
  async start(): Promise<void> {
    await this.#follow()
    this.#following = this.#keepFollowing()
  }

  state(): readonly DiscoveryState[] {
    return this.#states.map((state) => state())
  }

  refresh(): void {
    if (this.#stop.signal.aborted) return
    for (const part of this.#parts) part.refresh()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stop.abort()
    await this.#following
    await Promise.all(this.#parts.map((part) => part.close()))
  }

  #announcement(): Announcement {
    const announcement = this.#options.announcement()
    this.#ownNonces.add(hex(announcement.nonce))
    return announcement
  }

  async #keepFollowing(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#init.clock.sleep(FOLLOW_INTERVAL_MS, { signal: this.#stop.signal })
      } catch {
        return
      }
      await this.#follow()
    }
  }

  async #follow(): Promise<void> {
    const interfaces = this.#init.networkInterfaces()
    await Promise.all(this.#parts.map((part) => part.follow(interfaces)))
    const fingerprint = interfacesFingerprint(interfaces)
    const hasChanged = this.#interfaces !== '' && this.#interfaces !== fingerprint
    this.#interfaces = fingerprint
    if (hasChanged) this.refresh()
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
