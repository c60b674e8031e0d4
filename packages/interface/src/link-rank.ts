import type { TransportCapabilities } from './transport.ts'

/** Transports by what they are good for, the best first; one that is not named here comes after them. */
const PREFERENCE: readonly string[] = ['tcp', 'webrtc', 'ble']

/** A way to a device, as far as it matters for choosing one. */
export interface RankedTransport {
  /** As {@link Transport.name}. */
  readonly name: string
  readonly isMetered: boolean
  readonly isSlow: boolean
}

/**
 * How good a link over a transport is; the lower, the better. What is metered comes last, what is slow comes after what
 * is not, and else the order is TCP, WebRTC, BLE.
 *
 * Both ends come to the same answer without a word, because what a transport can do goes with its name.
 *
 * @returns 0 to 15
 * @see docs/protocol.md#link-choice
 */
export function rankLink(name: string, { isMetered, isSlow }: Omit<RankedTransport, 'name'>): number {
  const place = PREFERENCE.indexOf(name)
  return (isMetered ? 8 : 0) + (isSlow ? 4 : 0) + (place < 0 ? PREFERENCE.length : place)
}

/** Orders ways to a device, the better first: by rank, and by name where that is equal. 0 for the same transport only. */
export function compareLinks(first: RankedTransport, second: RankedTransport): number {
  const difference = rankLink(first.name, first) - rankLink(second.name, second)
  if (difference !== 0 || first.name === second.name) return difference
  return first.name < second.name ? -1 : 1
}

/** What is reckoned with for a transport that this device has no other word of. */
export function rankedTransport(name: string, capabilities: TransportCapabilities | undefined): RankedTransport {
  return { name, isMetered: capabilities?.isMetered ?? false, isSlow: capabilities?.isSlow ?? false }
}
