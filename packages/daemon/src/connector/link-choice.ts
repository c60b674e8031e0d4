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
 * - Dialled at once by both: the one that the device with the lower key dialled, `newer` where that is the newer one.
 *   Otherwise `older-if-it-lives`: the peer may have been started anew since, and know nothing of it.
 * - The newer one was dialled by this device, which did not know who was there: `older-if-it-lives` too, for a device that
 *   was started anew is found under another name while the link to what it was before is dead.
 * - It was dialled by the peer: that may know the older one, and drops the newer one by itself, or has lost the older one
 *   without our noticing: `newer-if-it-lasts`.
 */
export function chooseLink({
  self,
  peer,
  older,
  newer,
}: LinkChoiceInit): 'newer' | 'newer-if-it-lasts' | 'older-if-it-lives' {
  const wereBothDialled = older.isInitiator !== newer.isInitiator && newer.openedAt - older.openedAt < SIMULTANEOUS_MS
  if (wereBothDialled) {
    const initiator = newer.isInitiator ? self : peer
    return initiator === (self < peer ? self : peer) ? 'newer' : 'older-if-it-lives'
  }
  return newer.isInitiator ? 'older-if-it-lives' : 'newer-if-it-lasts'
}
