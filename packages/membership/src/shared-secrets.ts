import type { KnockMatch } from '@dittofs/interface'
import { deriveKey } from '@dittofs/wire'

/** A secret that this device shares with others, ready for `link` (knock) and for announcements (find). */
export interface SharedSecret {
  /** What a link that was opened with it reports: the space's ID, or the hex of the ticket's ID. */
  readonly match: KnockMatch
  /** 32 bytes. */
  readonly knock: Uint8Array
  /** 32 bytes. Absent where the other must not look for this device any more: a dead ticket. */
  readonly find?: Uint8Array
}

/** What both sides derive from a ticket's secret; the inviter keeps these and forgets the secret. */
export interface TicketKeys {
  /** 16 bytes; names the ticket and opens nothing. */
  readonly id: Uint8Array
  /** 32 bytes each. */
  readonly knock: Uint8Array
  readonly find: Uint8Array
  readonly join: Uint8Array
}

/** @param secret - a ticket's, 16 bytes */
export function ticketKeys(secret: Uint8Array): TicketKeys {
  return {
    id: deriveKey(secret, 'id', 16),
    knock: deriveKey(secret, 'knock'),
    find: deriveKey(secret, 'find'),
    join: deriveKey(secret, 'join'),
  }
}

/** @param meet - the secret that the members of a space share, 32 bytes */
export function meetKeys(meet: Uint8Array): { knock: Uint8Array; find: Uint8Array } {
  return { knock: deriveKey(meet, 'knock'), find: deriveKey(meet, 'find') }
}
