import { type AbortOptions, type Clock, type DeviceKey, DittoError, type Link, type Role } from '@dittofs/interface'
import type { JoinNoReason, PairingMessage } from '@dittofs/wire'
import { confirmDigits } from './confirm-digits.ts'
import { type AskPerson, confirmNewcomer } from './confirm-newcomer.ts'
import { isJoinProof } from './join-proof.ts'
import { fitLabel } from './label.ts'
import type { Memberships } from './memberships.ts'
import { MAX_JOINER_BYTES, type PairingChannel, runPairing } from './pairing-channel.ts'
import type { SpaceMembership } from './space-membership.ts'
import type { TicketNotice } from './ticket-notice.ts'

export interface AdmitNewcomerInit extends AbortOptions {
  /** One whose knock a ticket opened. Closed on return. */
  link: Link
  memberships: Memberships
  clock: Pick<Clock, 'sleep'>
  /** This device's name, for the newcomer. */
  name: string
  /** Told when somebody tries a ticket that another device has used. */
  onNotice: (notice: TicketNotice) => void
  /** Asks a person, where the ticket says so. Without it such a ticket lets nobody in. */
  confirm?: AskPerson
}

export type AdmitNewcomerResult =
  | {
      readonly outcome: 'admitted'
      readonly ticketId: string
      readonly membership: SpaceMembership
      readonly role: Role
      readonly peer: { readonly key: DeviceKey; readonly name: string; readonly platform: string }
    }
  | { readonly outcome: 'refused'; readonly ticketId: string; readonly reason: JoinNoReason }

type Join = Extract<PairingMessage, { type: 'join' }>

/**
 * The inviter's side of pairing (SECURITY.md section 3, steps 3 to 5). Returns `admitted` once both sides have it
 * durably. When it rejects after the claim, the newcomer may be a member already; it comes back with its ticket.
 *
 * @throws DittoError DITTO_PROTOCOL, DITTO_LIMIT, DITTO_LINK_CUT, DITTO_LINK_TIMEOUT, DITTO_IO
 */
export async function admitNewcomer(init: AdmitNewcomerInit): Promise<AdmitNewcomerResult> {
  return runPairing({ ...init, maxBytes: MAX_JOINER_BYTES }, async (channel) => {
    const join = await channel.next()
    if (join.type !== 'join') throw new DittoError('DITTO_PROTOCOL', 'The newcomer began out of turn.')
    const ticketId = Buffer.from(join.ticketId).toString('hex')
    const admission = await claimAndAdd(init, channel, join, ticketId)
    if (typeof admission === 'string') {
      channel.send({ type: 'joinNo', reason: admission })
      return { outcome: 'refused', ticketId, reason: admission }
    }
    await handOver(channel, admission, init.name)
    const role = admission.role(init.link.peer) ?? 'read'
    const peer = { key: init.link.peer, name: fitLabel(join.name), platform: join.platform }
    return { outcome: 'admitted', ticketId, membership: admission, role, peer }
  })
}

async function claimAndAdd(
  init: AdmitNewcomerInit,
  channel: PairingChannel,
  join: Join,
  ticketId: string,
): Promise<SpaceMembership | JoinNoReason> {
  const { link, memberships } = init
  const { invitations } = memberships
  const joinKey = invitations.joinKey(ticketId)
  const isOtherTicket = link.match.kind === 'ticket' && link.match.name !== ticketId
  // Until this is passed nothing is told, not even that there is such a ticket.
  if (joinKey === undefined || isOtherTicket || !isJoinProof(link, joinKey, join.tag)) return 'unknown'

  const invitation = invitations.list().find(({ id }) => id === ticketId)
  const membership = invitation === undefined ? undefined : memberships.get(invitation.space)
  if (membership?.role(memberships.self) !== 'full') return 'revoked'

  // A device that has claimed it before was confirmed then.
  if (invitation?.hasConfirmation === true && invitation.state === 'open') {
    const digits = confirmDigits(link, joinKey)
    const newcomer = { ticketId, key: link.peer, name: fitLabel(join.name), digits }
    const refusal = await confirmNewcomer({ ...init, channel, invitations }, newcomer)
    if (refusal !== undefined) return refusal
  }

  const claim = await invitations.claim(ticketId, link.peer)
  if (claim.outcome === 'used') {
    init.onNotice({
      ...claim,
      kind: 'ticket-used-again',
      ticketId,
      refused: link.peer,
      refusedName: fitLabel(join.name),
    })
  }
  if (claim.outcome !== 'granted') return claim.outcome
  if (claim.isAdmitted) {
    // It was a member by this ticket once; if it is none now, it was removed, and its claim went with that.
    return membership.role(link.peer) === undefined ? 'revoked' : membership
  }
  await membership.add(link.peer, join.name, claim.role)
  await invitations.markAdmitted(ticketId)
  return membership
}

async function handOver(channel: PairingChannel, membership: SpaceMembership, name: string): Promise<void> {
  channel.send({
    type: 'joinOk',
    spaceName: membership.name,
    name: fitLabel(name),
    meet: membership.meet,
    statements: membership.statements(),
  })
  const answer = await channel.next()
  if (answer.type !== 'joinDone') throw new DittoError('DITTO_PROTOCOL', 'The newcomer answered out of turn.')
}
