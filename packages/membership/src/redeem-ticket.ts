import {
  type AbortOptions,
  type Clock,
  type DeviceKey,
  DittoError,
  type Link,
  MAX_FRAME_BYTES,
  type Role,
} from '@dittofs/interface'
import type { JoinNoReason } from '@dittofs/wire'
import { confirmDigits } from './confirm-digits.ts'
import { joinProof } from './join-proof.ts'
import { fitLabel } from './label.ts'
import type { Memberships } from './memberships.ts'
import { CONFIRM_TIMEOUT_MS, PAIRING_TIMEOUT_MS, runPairing } from './pairing-channel.ts'
import { ticketKeys } from './shared-secrets.ts'
import type { SpaceMembership } from './space-membership.ts'
import type { Ticket } from './ticket.ts'

export interface RedeemTicketInit extends AbortOptions {
  /** Opened with the ticket's knock key to exactly the ticket's device. Closed on return. */
  link: Link
  ticket: Ticket
  memberships: Memberships
  clock: Pick<Clock, 'sleep'>
  /** This device's name and operating system, for people. */
  name: string
  platform: string
  /** Told the digits to show when a person at the inviter has to compare and confirm them. */
  onWait?: (digits: string) => void
}

export interface RedeemTicketResult {
  readonly membership: SpaceMembership
  readonly role: Role
  readonly peer: { readonly key: DeviceKey; readonly name: string }
}

/**
 * The joiner's side of pairing (SECURITY.md section 3, steps 3 to 5). Returns once the space is durable here. May be
 * tried again after any failure: the inviter answers the same device alike.
 *
 * @throws DittoError DITTO_TICKET_USED, DITTO_TICKET_EXPIRED, DITTO_TICKET_REVOKED, DITTO_TICKET_UNKNOWN,
 *   DITTO_TICKET_UNCONFIRMED,
 *   DITTO_PEER_UNTRUSTED (not the ticket's device), DITTO_USAGE (its own ticket), DITTO_STATEMENT_INVALID,
 *   DITTO_PROTOCOL, DITTO_LIMIT, DITTO_LINK_CUT, DITTO_LINK_TIMEOUT
 */
export async function redeemTicket(init: RedeemTicketInit): Promise<RedeemTicketResult> {
  const { link, ticket, memberships, name, platform } = init
  return runPairing({ ...init, maxBytes: MAX_FRAME_BYTES }, async (channel) => {
    if (ticket.key === memberships.self) {
      throw new DittoError('DITTO_USAGE', 'This ticket was made by this device: use it on another one.')
    }
    if (link.peer !== ticket.key) {
      throw new DittoError('DITTO_PEER_UNTRUSTED', 'The device that answered is not the one that made the ticket.')
    }
    const { id, join } = ticketKeys(ticket.secret)
    channel.send({
      type: 'join',
      ticketId: id,
      tag: joinProof(link, join),
      name: fitLabel(name),
      platform: fitLabel(platform),
    })
    let answer = await channel.next()
    if (answer.type === 'joinWait') {
      // Longer than the inviter waits, so that its answer is heard.
      channel.allow(CONFIRM_TIMEOUT_MS + 2 * PAIRING_TIMEOUT_MS)
      init.onWait?.(confirmDigits(link, join))
      answer = await channel.next()
    }
    if (answer.type === 'joinNo') throw refusal(answer.reason)
    if (answer.type !== 'joinOk') throw new DittoError('DITTO_PROTOCOL', 'The other device answered out of turn.')
    const membership = await memberships.acceptSpace({
      space: ticket.space,
      name: answer.spaceName,
      meet: answer.meet,
      statements: answer.statements,
      role: ticket.role,
      inviter: ticket.key,
    })
    channel.send({ type: 'joinDone' })
    return {
      membership,
      role: membership.role(memberships.self) ?? ticket.role,
      peer: { key: ticket.key, name: answer.name },
    }
  })
}

function refusal(reason: JoinNoReason): DittoError {
  switch (reason) {
    case 'used':
      return new DittoError('DITTO_TICKET_USED', 'Another device has used this ticket: ask for a new one.')
    case 'expired':
      return new DittoError('DITTO_TICKET_EXPIRED', 'This ticket has expired: ask for a new one.')
    case 'revoked':
      return new DittoError('DITTO_TICKET_REVOKED', 'This ticket was revoked: ask for a new one.')
    case 'unknown':
      return new DittoError('DITTO_TICKET_UNKNOWN', 'The other device knows nothing of this ticket: ask for a new one.')
    case 'declined':
      return new DittoError(
        'DITTO_TICKET_UNCONFIRMED',
        'The person at the other device said no, and the ticket is useless now: ask for a new one.',
      )
    case 'unconfirmed':
      return new DittoError(
        'DITTO_TICKET_UNCONFIRMED',
        'Nobody at the other device confirmed the digits in time: try again with the same ticket.',
      )
  }
}
