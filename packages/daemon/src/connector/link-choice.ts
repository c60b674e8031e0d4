import type { DeviceKey } from '@dittofs/interface'

/** Longer than a knock and a handshake may take: two links younger than this may have been dialled at once. */
export const SIMULTANEOUS_MS = 15_000

/** One of two links to the same device over the same transport. */
export interface LinkAge {
  readonly isInitiator: boolean
  /** Milliseconds of the monotonic clock. */
  readonly openedAt: number
}

export interface LinkChoiceInit {
  readonly self: DeviceKey
  readonly peer: DeviceKey
  readonly older: LinkAge
  readonly newer: LinkAge
}

/**
 * Which of two links to keep: both ends come to the same answer without a word.
 *
 * - Dialled at once by both: the one that the device with the lower key dialled.
 * - Otherwise, when this device dialled, it did not know who was there: `older`.
 * - Otherwise the peer may have lost the older one without our noticing, or not have known who was here, and then it
 *   drops the newer one by itself: `newer-if-it-lasts`.
 */
export function chooseLink({ self, peer, older, newer }: LinkChoiceInit): 'older' | 'newer' | 'newer-if-it-lasts' {
  const wereBothDialled = older.isInitiator !== newer.isInitiator && newer.openedAt - older.openedAt < SIMULTANEOUS_MS
  if (wereBothDialled) {
    const initiator = newer.isInitiator ? self : peer
    return initiator === (self < peer ? self : peer) ? 'newer' : 'older'
  }
  return newer.isInitiator ? 'older' : 'newer-if-it-lasts'
}
