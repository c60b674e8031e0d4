import type { AbortOptions } from './common.ts'
import type { DeviceKey } from './ids.ts'
import type { Address, DiscoveryState } from './transport.ts'

/** The parts of a WebRTC negotiation (RFC 8829, JSEP; RFC 8838, trickle ICE). */
export type SignalKind = 'offer' | 'answer' | 'candidate' | 'end'

/** What two devices tell each other through a signaling server, which cannot read it. */
export interface Signal {
  /** 16 bytes in hex: one for each connection that is being made, drawn by the device that dials. */
  readonly session: string
  readonly kind: SignalKind
  /** SDP, or a candidate as JSON; up to 16 KiB with the rest. From a peer it is hostile until parsed. */
  readonly body: string
}

/** A signal that was opened and checked: its sender is who it says, and it was not sent before. */
export interface IncomingSignal extends Signal {
  readonly device: DeviceKey
  /** Where an answer reaches the sender. */
  readonly from: Address
}

export interface SignalChannelListener {
  onSignal: (signal: IncomingSignal) => void
  /** The addresses are others than before, or a server came or went. */
  onChange: () => void
}

/**
 * Carries signals to other devices by way of signaling servers, sealed from end to end.
 *
 * An address names a server and the key a device is registered by at that server: `webrtc://KEY@signal.example.org`
 * for a server behind TLS at port 443, `webrtc://KEY:plain@192.0.2.7:4110` for one without TLS. KEY is the Ed25519
 * public key in lower-case hex.
 */
export interface SignalChannel {
  /** Registers at the configured servers and stays so, until `close`. A server that is down is tried again. */
  open(listener: SignalChannelListener): void
  /** Where others reach this device: one for each server it is registered at now. */
  addresses(): readonly Address[]
  /** Each server: up, or down and why. */
  state(): readonly DiscoveryState[]
  /**
   * Sends one signal; resolves once the server has passed it on. Signals to one device keep their order.
   *
   * @throws DittoError DITTO_PEER_UNREACHABLE (no such server, or nobody is there by that key), DITTO_USAGE (not such
   *   an address), DITTO_LIMIT
   */
  send(to: Address, signal: Signal, options?: AbortOptions): Promise<void>
  /** The network is another one: connections of the one before are given up and made anew at once. */
  networkChanged(): void
  close(): Promise<void>
}
