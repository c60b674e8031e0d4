import {
  type ChunkerKind,
  type Clock,
  type DeviceKey,
  DittoError,
  type RandomBytes,
  type Role,
  type SpaceId,
  spaceId,
} from '@dittofs/interface'
import { type InvitationLedger, openInvitationLedger } from './invitation-ledger.ts'
import { judgingTurns } from './judging-turns.ts'
import type { KeyValueStore } from './key-value-store.ts'
import { fitLabel } from './label.ts'
import { meetKeys, type SharedSecret } from './shared-secrets.ts'
import { type Signer, type VerifySignature, verifyEd25519 } from './signer.ts'
import { SpaceMembership } from './space-membership.ts'
import { decodeStatement, signStatement, statementId } from './statement.ts'
import { StatementGraph } from './statement-graph.ts'
import { deleteSpace, loadSpaces, putSpace, putStatement, type SpaceRecord } from './stored-space.ts'

export interface MembershipsInit {
  store: KeyValueStore
  signer: Signer
  clock: Pick<Clock, 'now' | 'monotonic'>
  random: RandomBytes
  /** Default: Ed25519 by node:crypto. */
  verify?: VerifySignature
}

export interface CreateSpaceOptions {
  /** This device's label for the space; not part of its statements. Cut to 128 bytes, as all names here. */
  name: string
  /** This device's name, for the others. */
  deviceName: string
  /** Default `fastcdc`. Never changes afterwards. */
  chunker?: ChunkerKind
  /** Told the ID before anything of the space is stored, so that whoever has to end it can note that first. */
  beforeStored?: (space: SpaceId) => Promise<void>
}

/** What a newcomer was given, and what the ticket promised. */
export interface AcceptSpaceOptions {
  space: SpaceId
  name: string
  meet: Uint8Array
  statements: readonly Uint8Array[]
  role: Role
  inviter: DeviceKey
}

/** The spaces of this device, who belongs to each, and its invitations. */
export class Memberships {
  readonly invitations: InvitationLedger
  readonly #init: MembershipsInit
  readonly #verify: VerifySignature
  readonly #spaces = new Map<SpaceId, SpaceMembership>()

  /** Use {@link openMemberships}. */
  constructor(
    init: MembershipsInit,
    invitations: InvitationLedger,
    stored: readonly { record: SpaceRecord; graph: StatementGraph }[],
  ) {
    this.#init = init
    this.#verify = init.verify ?? verifyEd25519
    this.invitations = invitations
    for (const { record, graph } of stored) this.#keep(record, graph)
  }

  /** This device's key. */
  get self(): DeviceKey {
    return this.#init.signer.key
  }

  /** In order of space ID; also those that this device belongs to no more. */
  spaces(): SpaceMembership[] {
    return [...this.#spaces.values()].sort((a, b) => (a.space < b.space ? -1 : 1))
  }

  get(space: SpaceId): SpaceMembership | undefined {
    return this.#spaces.get(space)
  }

  /** Makes a space with this device as its first; durable on return. */
  async createSpace(options: CreateSpaceOptions): Promise<SpaceMembership> {
    const { signer, clock, random } = this.#init
    const genesis = signStatement(
      {
        kind: 'genesis',
        author: signer.key,
        subject: signer.key,
        role: 'full',
        name: fitLabel(options.deviceName),
        time: clock.now(),
        seen: [],
        chunker: options.chunker ?? 'fastcdc',
        hash: 'blake3',
        nonce: random(16),
      },
      signer,
    )
    const graph = new StatementGraph(spaceId.parse(genesis.id))
    graph.add(genesis)
    await options.beforeStored?.(graph.space)
    return this.#store({ name: fitLabel(options.name), meet: random(32) }, graph)
  }

  /**
   * Takes a space from an inviter, after checking that it is the one the ticket names, that every statement counts,
   * and that they name this device with the role promised (or `full`). Durable on return; a space that is here
   * already takes what is new.
   *
   * @throws DittoError DITTO_STATEMENT_INVALID, DITTO_LIMIT
   */
  async acceptSpace(options: AcceptSpaceOptions): Promise<SpaceMembership> {
    const graph = new StatementGraph(options.space)
    if (options.statements[0] === undefined || statementId(options.statements[0]) !== options.space) {
      throw untrue('what it sent does not begin with the space that the ticket names')
    }
    const turn = judgingTurns(graph)
    for (const bytes of options.statements) {
      await turn()
      if (graph.add(decodeStatement(Uint8Array.from(bytes), this.#verify)) !== 'added') {
        throw untrue('its list of members is not whole')
      }
    }
    await turn()
    const members = graph.members()
    const role = members.get(this.self)?.role
    if (role !== options.role && role !== 'full') throw untrue('its list of members does not name this device')
    if (members.get(options.inviter)?.role !== 'full') throw untrue('it is no full member of the space itself')

    const present = this.#spaces.get(options.space)
    if (present === undefined) return this.#store({ name: fitLabel(options.name), meet: options.meet }, graph)
    await present.receive(options.statements)
    return present
  }

  /**
   * Forgets a space, its statements and the invitations to it, as if this device had never heard of it; durable on
   * return. For spaces that end: a space that others go on with is left by a statement.
   */
  async forget(space: SpaceId): Promise<void> {
    await this.invitations.forget(space)
    const membership = this.#spaces.get(space)
    if (membership === undefined) return
    this.#spaces.delete(space)
    await this.#init.store.write(deleteSpace(space, membership.statements().length))
  }

  /** What this device shares with others and they with it: for knocks, announcements and what to look for. */
  secrets(): SharedSecret[] {
    const ofSpaces = this.spaces().map(
      ({ space, meet }): SharedSecret => ({ match: { kind: 'space', name: space }, ...meetKeys(meet) }),
    )
    return [...ofSpaces, ...this.invitations.secrets()]
  }

  async #store(record: SpaceRecord, graph: StatementGraph): Promise<SpaceMembership> {
    const { space, nodes } = graph
    await this.#init.store.write([
      putSpace(space, record),
      ...nodes.map((node) => putStatement(space, node.index, node.statement.bytes)),
    ])
    return this.#keep(record, graph)
  }

  #keep(record: SpaceRecord, graph: StatementGraph): SpaceMembership {
    const membership = new SpaceMembership({ ...this.#init, record, graph, verify: this.#verify })
    this.#spaces.set(graph.space, membership)
    return membership
  }
}

/**
 * Reads what is stored.
 *
 * @throws DittoError DITTO_STORE_CORRUPT
 */
export async function openMemberships(init: MembershipsInit): Promise<Memberships> {
  const stored = await loadSpaces(init.store, init.verify ?? verifyEd25519)
  const invitations = await openInvitationLedger(init)
  const memberships = new Memberships(init, invitations, stored)
  // Stopped between the statement that adds a device and the note of it: make up for the note, so that the ticket
  // cannot bring the device back after it was removed.
  for (const { id, space, usedBy } of invitations.unsettled()) {
    if (memberships.get(space)?.role(usedBy) !== undefined) await invitations.markAdmitted(id)
  }
  return memberships
}

function untrue(why: string): DittoError {
  return new DittoError('DITTO_STATEMENT_INVALID', `The other device cannot be joined: ${why}.`)
}
