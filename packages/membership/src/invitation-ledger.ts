import {
  type Address,
  type Clock,
  type DeviceKey,
  DittoError,
  type RandomBytes,
  type Role,
  type SpaceId,
} from '@dittofs/interface'
import {
  DEAD_INVITATION_MS,
  deadSince,
  decodeInvitation,
  encodeInvitation,
  type Invitation,
  type InvitationState,
  invitationState,
} from './invitation.ts'
import type { KeyValueChange, KeyValueStore } from './key-value-store.ts'
import { SerialQueue } from './serial-queue.ts'
import { type SharedSecret, ticketKeys } from './shared-secrets.ts'
import type { Signer } from './signer.ts'
import { carriableAddresses, encodeTicket, TICKET_SECRET_BYTES, type TicketKind } from './ticket.ts'

export const DEFAULT_INVITATION_MS = 60 * 60 * 1000
export const MAX_INVITATION_MS = 30 * 24 * 60 * 60 * 1000
export const MAX_OPEN_INVITATIONS = 64
/** The knock is tried against every ticket's key, so their number has a limit; the longest dead are forgotten first. */
export const MAX_DEAD_INVITATIONS = 192

const PREFIX = 'invitation/'

export interface InvitationLedgerInit {
  store: KeyValueStore
  signer: Signer
  clock: Pick<Clock, 'now'>
  random: RandomBytes
}

export interface CreateInvitationOptions {
  space: SpaceId
  /** Default `join`. */
  kind?: TicketKind
  /** Default `full`. */
  role?: Role
  /** Default an hour, at most 30 days; rounded up to a whole minute. */
  expiresInMs?: number
  /** Where this device listens; those that a ticket can hold are taken. */
  addresses?: readonly Address[]
  /** Whether a person has to say yes to the device that comes with the ticket. Default `false`. */
  hasConfirmation?: boolean
}

/** One invitation, for people and for the pairing exchange. */
export interface InvitationView {
  /** Hex of the ticket's ID. */
  readonly id: string
  readonly space: SpaceId
  readonly role: Role
  readonly expiresAt: number
  readonly state: InvitationState
  readonly hasConfirmation: boolean
  readonly usedBy?: DeviceKey
  readonly usedAt?: number
}

/** How a claim ended. `isAdmitted`: this device was added on an earlier try. */
export type Claim =
  | { readonly outcome: 'granted'; readonly space: SpaceId; readonly role: Role; readonly isAdmitted: boolean }
  | { readonly outcome: 'used'; readonly space: SpaceId; readonly usedBy: DeviceKey; readonly usedAt: number }
  | { readonly outcome: 'expired' | 'revoked' | 'unknown' }

/** The tickets this device gave out: which are open, and what became of the others. */
export class InvitationLedger {
  readonly #init: InvitationLedgerInit
  readonly #invitations: Map<string, Invitation>
  readonly #queue = new SerialQueue()

  /** Use {@link openInvitationLedger}. */
  constructor(init: InvitationLedgerInit, invitations: Map<string, Invitation>) {
    this.#init = init
    this.#invitations = invitations
  }

  /**
   * Durable on return.
   *
   * @returns the ticket, which exists nowhere else from then on
   * @throws DittoError DITTO_LIMIT (MAX_OPEN_INVITATIONS are open), DITTO_USAGE (expires too late or too soon)
   */
  create(options: CreateInvitationOptions): Promise<InvitationView & { readonly ticket: string }> {
    return this.#queue.run(async () => {
      const { clock, signer, random } = this.#init
      const { space, role = 'full', expiresInMs = DEFAULT_INVITATION_MS, addresses = [] } = options
      const now = clock.now()
      if (!(expiresInMs > 0 && expiresInMs <= MAX_INVITATION_MS)) {
        throw new DittoError('DITTO_USAGE', 'An invitation can be open for up to 30 days.')
      }
      if (this.list().filter(({ state }) => state === 'open').length >= MAX_OPEN_INVITATIONS) {
        throw new DittoError(
          'DITTO_LIMIT',
          `There are ${MAX_OPEN_INVITATIONS} open invitations already: revoke one, or wait until one expires.`,
        )
      }
      const secret = random(TICKET_SECRET_BYTES)
      const expiresAt = Math.ceil((now + expiresInMs) / 60_000) * 60_000
      const ticket = encodeTicket({
        kind: options.kind ?? 'join',
        key: signer.key,
        space,
        role,
        secret,
        expiresAt,
        addresses: carriableAddresses(addresses),
      })
      const invitation: Invitation = {
        ...{ keys: ticketKeys(secret), space, role, createdAt: now, expiresAt },
        ...(options.hasConfirmation === true && { hasConfirmation: true }),
      }
      const id = idOf(invitation)
      await this.#init.store.write([put(invitation), ...this.#forgettable(now)])
      this.#invitations.set(id, invitation)
      return { ...view(invitation, now), ticket }
    })
  }

  /** Forgets every invitation to a space, open or dead; durable on return. */
  forget(space: SpaceId): Promise<void> {
    return this.#queue.run(async () => {
      const ids = [...this.#invitations].flatMap(([id, invitation]) => (invitation.space === space ? [id] : []))
      await this.#init.store.write(ids.map((id) => ({ type: 'del', key: PREFIX + id })))
      for (const id of ids) this.#invitations.delete(id)
    })
  }

  /** Oldest first; dead ones for 30 days. */
  list(): InvitationView[] {
    const now = this.#init.clock.now()
    return this.#remembered(now)
      .sort((a, b) => a.createdAt - b.createdAt)
      .map((invitation) => view(invitation, now))
  }

  /**
   * Closes an open invitation; durable on return. One that is closed in another way already stays as it is.
   *
   * @throws DittoError DITTO_NOT_FOUND, DITTO_TICKET_USED (the device is a member: remove it instead)
   */
  async revoke(id: string): Promise<void> {
    const now = this.#init.clock.now()
    const invitation = this.#invitations.get(id)
    if (invitation === undefined) throw new DittoError('DITTO_NOT_FOUND', 'There is no invitation with that ID.')
    const state = invitationState(invitation, now)
    if (state === 'used') {
      throw new DittoError('DITTO_TICKET_USED', 'That invitation was used: remove the device that used it instead.')
    }
    if (state === 'open') await this.#replace(id, { ...invitation, revokedAt: now })
  }

  /**
   * Gives the ticket to a device, for good: decided in one tick, durable before it is granted. The same device may
   * claim again and gets the same answer.
   */
  async claim(id: string, device: DeviceKey): Promise<Claim> {
    const now = this.#init.clock.now()
    const invitation = this.#find(id, now)
    if (invitation === undefined) return { outcome: 'unknown' }
    const { space, role, usedBy, usedAt = now } = invitation
    const state = invitationState(invitation, now)
    if (state === 'expired' || state === 'revoked') return { outcome: state }
    if (usedBy !== undefined && usedBy !== device) return { outcome: 'used', space, usedBy, usedAt }
    // Written again for the same device: its first claim may be under way, or may have failed.
    await this.#replace(id, { ...invitation, usedBy: device, usedAt })
    return { outcome: 'granted', space, role, isAdmitted: invitation.isAdmitted ?? false }
  }

  /** Notes that the statement which adds the device that used it is durable. Durable on return. */
  async markAdmitted(id: string): Promise<void> {
    const invitation = this.#invitations.get(id)
    if (invitation?.usedBy !== undefined && invitation.isAdmitted !== true) {
      await this.#replace(id, { ...invitation, isAdmitted: true })
    }
  }

  /** Used ones whose device may or may not have been added when this device stopped. */
  unsettled(): { readonly id: string; readonly space: SpaceId; readonly usedBy: DeviceKey }[] {
    return [...this.#invitations].flatMap(([id, { space, usedBy, isAdmitted }]) =>
      usedBy === undefined || isAdmitted === true ? [] : [{ id, space, usedBy }],
    )
  }

  /** The key by which a claimant proves that it holds the ticket, 32 bytes. */
  joinKey(id: string): Uint8Array | undefined {
    return this.#find(id, this.#init.clock.now())?.keys.join
  }

  /** Dead tickets have no `find`: their holder may ask why, and is not called. */
  secrets(): SharedSecret[] {
    const now = this.#init.clock.now()
    return this.#remembered(now).map((invitation) => ({
      match: { kind: 'ticket', name: idOf(invitation) },
      knock: invitation.keys.knock,
      ...(invitationState(invitation, now) === 'open' && { find: invitation.keys.find }),
    }))
  }

  /** In memory at once, so that no other call can come between; taken back where it cannot be written. */
  async #replace(id: string, invitation: Invitation): Promise<void> {
    const before = this.#invitations.get(id)
    this.#invitations.set(id, invitation)
    try {
      await this.#queue.run(() => this.#init.store.write([put(invitation)]))
    } catch (error) {
      if (before !== undefined && this.#invitations.get(id) === invitation) this.#invitations.set(id, before)
      throw error
    }
  }

  #find(id: string, now: number): Invitation | undefined {
    return this.#remembered(now).find((invitation) => idOf(invitation) === id)
  }

  #remembered(now: number): Invitation[] {
    const dead = [...this.#invitations.values()]
      .map((invitation) => ({ invitation, since: deadSince(invitation, now) }))
      .filter(({ since }) => since !== undefined && now - since < DEAD_INVITATION_MS)
      .sort((a, b) => (b.since ?? 0) - (a.since ?? 0))
      .slice(0, MAX_DEAD_INVITATIONS)
      .map(({ invitation }) => invitation)
    const open = [...this.#invitations.values()].filter((invitation) => deadSince(invitation, now) === undefined)
    return [...open, ...dead]
  }

  #forgettable(now: number): KeyValueChange[] {
    const remembered = new Set(this.#remembered(now).map(idOf))
    const forgotten = [...this.#invitations.keys()].filter((id) => !remembered.has(id))
    for (const id of forgotten) this.#invitations.delete(id)
    return forgotten.map((id) => ({ type: 'del', key: PREFIX + id }))
  }
}

/** @throws DittoError DITTO_STORE_CORRUPT */
export async function openInvitationLedger(init: InvitationLedgerInit): Promise<InvitationLedger> {
  const invitations = new Map<string, Invitation>()
  for await (const [, value] of init.store.entries(PREFIX)) {
    const invitation = decodeInvitation(value)
    invitations.set(idOf(invitation), invitation)
  }
  return new InvitationLedger(init, invitations)
}

function idOf(invitation: Invitation): string {
  return Buffer.from(invitation.keys.id).toString('hex')
}

function put(invitation: Invitation): KeyValueChange {
  return { type: 'put', key: PREFIX + idOf(invitation), value: encodeInvitation(invitation) }
}

function view(invitation: Invitation, now: number): InvitationView {
  const { space, role, expiresAt, usedBy, usedAt, hasConfirmation = false } = invitation
  return {
    id: idOf(invitation),
    space,
    role,
    expiresAt,
    state: invitationState(invitation, now),
    hasConfirmation,
    ...(usedBy !== undefined && { usedBy }),
    ...(usedAt !== undefined && { usedAt }),
  }
}
