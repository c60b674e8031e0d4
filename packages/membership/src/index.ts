/**
 * Who belongs to a space: signed statements and the rule that reads them, tickets, pairing over any `Link`.
 *
 * ```ts
 * const memberships = await openMemberships({ store: levelKeyValueStore(db), signer, clock, random })
 * const home = await memberships.createSpace({ name: 'home', deviceName: 'laptop' })
 * const { ticket } = await memberships.invitations.create({ space: home.space, addresses: ['tcp://192.0.2.7:4100'] })
 * home.members() // [{ key, name: 'laptop', role: 'full', addedBy }]
 * ```
 *
 * @packageDocumentation
 */
export { type AdmitNewcomerInit, type AdmitNewcomerResult, admitNewcomer } from './admit-newcomer.ts'
export type { AskPerson, Newcomer, PersonAnswer } from './confirm-newcomer.ts'
export type { InvitationState } from './invitation.ts'
export {
  type Claim,
  type CreateInvitationOptions,
  DEFAULT_INVITATION_MS,
  type InvitationLedger,
  type InvitationView,
  MAX_INVITATION_MS,
  MAX_OPEN_INVITATIONS,
} from './invitation-ledger.ts'
export { type KeyValueChange, type KeyValueStore, levelKeyValueStore } from './key-value-store.ts'
export {
  type AcceptSpaceOptions,
  type CreateSpaceOptions,
  type Memberships,
  type MembershipsInit,
  openMemberships,
} from './memberships.ts'
export { missingStatements, statementIds } from './missing-statements.ts'
export { CONFIRM_TIMEOUT_MS, PAIRING_TIMEOUT_MS } from './pairing-channel.ts'
export { type RedeemTicketInit, type RedeemTicketResult, redeemTicket } from './redeem-ticket.ts'
export { meetKeys, type SharedSecret, type TicketKeys, ticketKeys } from './shared-secrets.ts'
export { type Signer, type VerifySignature, verifyEd25519 } from './signer.ts'
export type { SpaceMembership } from './space-membership.ts'
export { decodeTicket, decodeTicketOf, encodeTicket, type Ticket, type TicketKind } from './ticket.ts'
export { describeTicketNotice, type TicketNotice } from './ticket-notice.ts'
