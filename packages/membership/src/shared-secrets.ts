import { hkdfSync } from 'node:crypto'
import type { KnockMatch } from '@dittofs/interface'

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
    id: derive(secret, 'id', 16),
    knock: derive(secret, 'knock', 32),
    find: derive(secret, 'find', 32),
    join: derive(secret, 'join', 32),
  }
}

/** @param meet - the secret that the members of a space share, 32 bytes */
export function meetKeys(meet: Uint8Array): { knock: Uint8Array; find: Uint8Array } {
  return { knock: derive(meet, 'knock', 32), find: derive(meet, 'find', 32) }
}

/** HKDF-SHA256 (RFC 5869), no salt, info `dittofs v1 ` and the purpose: one secret, unrelated keys. */
function derive(secret: Uint8Array, purpose: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), `dittofs v1 ${purpose}`, length))
}
