import type { Duplex } from 'node:stream'
import type { AbortOptions } from './common.ts'

/**
 * Where a peer may be dialled, as a URL without a path: `tcp://192.0.2.7:4100`, `tcp://[2001:db8::7]:4100`,
 * `ble://00aa01000042`.
 */
export type Address = string

/** What a transport can do; callers and suites branch on this, never on a class. */
export interface TransportCapabilities {
  readonly canListen: boolean
  readonly canDial: boolean
  readonly canDiscover: boolean
  /** Bytes cost money or battery: metadata and small files first. */
  readonly isMetered: boolean
  /** Handshakes get a minute instead of seconds. */
  readonly isSlow: boolean
  /** Addresses carry no port, and one listener at a time takes all connections: `port` and `host` are not looked at. */
  readonly hasNoPorts?: boolean
  /** Its addresses are those of servers, and come and go with them: they say nothing of where this device is. */
  readonly hasServedAddresses?: boolean
  /** Its addresses are others every few minutes, so that nobody is followed by them: a device is found by discovery alone. */
  readonly hasFleetingAddresses?: boolean
}

/** A connection somebody else opened, not yet authenticated: hostile until the secure link says otherwise. */
export interface IncomingDuplex {
  readonly duplex: Duplex
  /** Where it came from; a key for limits per address, not an identity. */
  readonly remote: Address
}

export interface Listener {
  /** Every address others may dial, one for each interface, with the port really bound where there are ports. */
  addresses(): readonly Address[]
  /** Where it has no address now: why, in a sentence. */
  problem?(): string
  /** Stops accepting. Connections already handed out live on. */
  close(): Promise<void>
}

export interface ListenOptions extends AbortOptions {
  /** 0 takes any free port. */
  port: number
  /** An address of this machine to listen at; every interface, IPv4 and IPv6, when absent. */
  host?: string
  onConnection: (incoming: IncomingDuplex) => void
}

/** What is told to the neighbourhood: nothing by which a stranger could know the device. */
export interface Announcement {
  /** 8 random bytes, renewed every 10 minutes and on a change of addresses. */
  readonly nonce: Uint8Array
  /** Up to 16 tags of 8 bytes: HMAC-SHA256 of the nonce under a key that only members, or ticket holders, have. */
  readonly tags: readonly Uint8Array[]
}

/** An announcement heard, with where its sender can be dialled. */
export interface Sighting extends Announcement {
  readonly addresses: readonly Address[]
  /** Which means heard it: `mdns`, `beacon`, `ble`. */
  readonly via: string
}

export interface DiscoverOptions extends AbortOptions {
  /** The port of the own listener, part of what is announced; 0 for a transport without ports. */
  port: number
  /** What to announce from now on; called again whenever the announcement is renewed. */
  announcement: () => Announcement
  onSighting: (sighting: Sighting) => void
}

/** One means of discovery and whether it runs; `reason` says why not, in a sentence. */
export interface DiscoveryState {
  readonly name: string
  readonly isUp: boolean
  readonly reason?: string
}

export interface Discovery {
  state(): readonly DiscoveryState[]
  /** Announces again now: addresses or tags have changed, or a person asked for a sync. */
  refresh(): void
  close(): Promise<void>
}

/**
 * A way to reach other devices: plain duplexes of Buffers, neither authenticated nor encrypted.
 *
 * A duplex keeps order and loses nothing until it fails; it half-closes on `end`, respects backpressure both ways,
 * and is no uncaught error when nobody listens for its `error`. `destroy(error)` is sudden death: a reader at the other
 * side sees `end` or `close` at once and cannot tell it from a clean end; a clean end is for the protocol above to say.
 */
export interface Transport {
  /** `tcp`, `webrtc`, `ble`, `memory`. The scheme of its addresses. */
  readonly name: string
  readonly capabilities: TransportCapabilities
  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_UNSUPPORTED, DITTO_IO */
  listen(options: ListenOptions): Promise<Listener>
  /** @throws DittoError DITTO_PEER_UNREACHABLE, DITTO_USAGE (not an address of this transport) */
  dial(address: Address, options?: AbortOptions): Promise<Duplex>
  /** @throws DittoError DITTO_UNSUPPORTED */
  discover(options: DiscoverOptions): Promise<Discovery>
  /** Told that this machine is in another network, or was asleep: what is open may have to find another way. */
  networkChanged?(): void
}
