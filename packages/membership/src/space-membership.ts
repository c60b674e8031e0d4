import {
  type ChunkerKind,
  type Clock,
  type DeviceKey,
  DittoError,
  type Member,
  type Membership,
  type Role,
  type SpaceId,
  type Unsubscribe,
} from '@dittofs/interface'
import { judgingTurns } from './judging-turns.ts'
import type { KeyValueStore } from './key-value-store.ts'
import { fitLabel } from './label.ts'
import { MembersView } from './members-view.ts'
import { SerialQueue } from './serial-queue.ts'
import type { Signer, VerifySignature } from './signer.ts'
import {
  decodeStatement,
  type Statement,
  type StatementBody,
  type StatementId,
  signStatement,
  statementId,
} from './statement.ts'
import { StatementBudget } from './statement-budget.ts'
import type { StatementGraph } from './statement-graph.ts'
import { putSpace, putStatement, type SpaceRecord } from './stored-space.ts'

/** Statements kept in memory until an ancestor of theirs arrives. */
export const MAX_WAITING_STATEMENTS = 64

export interface SpaceMembershipInit {
  record: SpaceRecord
  /** All stored ones, parents first. */
  graph: StatementGraph
  store: KeyValueStore
  signer: Signer
  verify: VerifySignature
  clock: Pick<Clock, 'now' | 'monotonic'>
}

/** {@link Membership} of one space, stored in a {@link KeyValueStore}. Changes are made one after the other. */
export class SpaceMembership implements Membership {
  readonly space: SpaceId
  readonly chunker: ChunkerKind
  readonly #init: SpaceMembershipInit
  readonly #queue = new SerialQueue()
  readonly #budget: StatementBudget
  readonly #waiting = new Map<StatementId, Statement>()
  readonly #listeners = new Set<(removed: readonly DeviceKey[]) => void>()
  readonly #graph: StatementGraph
  /** What is durable. The graph is ahead of it while statements are taken and written. */
  #view: MembersView
  #record: SpaceRecord

  constructor(init: SpaceMembershipInit) {
    const genesis = init.graph.nodes[0]?.statement.body
    if (genesis?.kind !== 'genesis') throw new TypeError('a space begins with its genesis')
    this.space = init.graph.space
    this.chunker = genesis.chunker
    this.#init = init
    this.#graph = init.graph
    this.#view = new MembersView(init.graph)
    this.#record = init.record
    this.#budget = new StatementBudget(init.clock)
  }

  get meet(): Uint8Array {
    return this.#record.meet
  }

  /** This device's label for the space; others may use another. */
  get name(): string {
    return this.#record.name
  }

  /** Durable on return. */
  rename(name: string): Promise<void> {
    return this.#queue.run(async () => {
      const record = { ...this.#record, name: fitLabel(name) }
      await this.#init.store.write([putSpace(this.space, record)])
      this.#record = record
    })
  }

  members(): readonly Member[] {
    return this.#view.list
  }

  role(device: DeviceKey): Role | undefined {
    return this.#view.state.get(device)?.role
  }

  wasRemoved(device: DeviceKey): boolean {
    return this.role(device) === undefined && this.#view.everMembers.has(device)
  }

  statements(): readonly Uint8Array[] {
    return this.#view.statements
  }

  receive(statements: readonly Uint8Array[], from?: DeviceKey): Promise<number> {
    return this.#queue.run(async () => {
      let failure: unknown
      const added = await this.#commit(async (turn) => {
        try {
          for (const bytes of statements) {
            await turn()
            await this.#take(bytes, from, turn)
          }
        } catch (error) {
          failure = error // what came before it was good and is kept
        }
      })
      if (failure !== undefined) throw failure
      return added
    })
  }

  add(device: DeviceKey, name: string, role: Role): Promise<void> {
    return this.#queue.run(async () => {
      const present = this.role(device)
      if (present === 'full' || present === role) return
      if (present === undefined) await this.#say({ kind: 'add', subject: device, role, name: fitLabel(name) })
      else await this.#say({ kind: 'role', subject: device, role })
    })
  }

  /** Gives a member another role. @throws DittoError DITTO_ROLE, DITTO_NOT_FOUND, DITTO_LIMIT */
  setRole(device: DeviceKey, role: Role): Promise<void> {
    return this.#queue.run(async () => {
      this.#expectMember(device)
      if (this.role(device) !== role) await this.#say({ kind: 'role', subject: device, role })
    })
  }

  remove(device: DeviceKey): Promise<readonly Member[]> {
    return this.#queue.run(async () => {
      this.#expectMember(device)
      const before = this.members()
      const kind = device === this.#init.signer.key ? 'leave' : 'remove'
      await this.#say({ kind, subject: device })
      return before.filter(({ key }) => key !== device && this.role(key) === undefined)
    })
  }

  leave(): Promise<void> {
    return this.#queue.run(async () => {
      const self = this.#init.signer.key
      if (this.role(self) !== undefined) await this.#say({ kind: 'leave', subject: self })
    })
  }

  onChange(listener: (removed: readonly DeviceKey[]) => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #take(bytes: Uint8Array, from: DeviceKey | undefined, turn: () => Promise<void>): Promise<void> {
    const id = statementId(bytes)
    if (this.#graph.has(id) || this.#waiting.has(id)) return
    if (from !== undefined) this.#budget.spend(from)
    // The sender's buffer may be part of a larger one, which must not be kept alive.
    const statement = decodeStatement(Uint8Array.from(bytes), this.#init.verify)
    const fate = this.#graph.add(statement)
    if (fate === 'added') await this.#addWaiting(turn)
    if (fate !== 'waiting') return
    if (this.#waiting.size >= MAX_WAITING_STATEMENTS) {
      throw new DittoError('DITTO_LIMIT', 'The peer sent too many statements about members without those before them.')
    }
    this.#waiting.set(id, statement)
  }

  async #addWaiting(turn: () => Promise<void>): Promise<void> {
    for (let isProgress = true; isProgress; ) {
      isProgress = false
      for (const [id, statement] of [...this.#waiting]) {
        await turn()
        let fate: string
        try {
          fate = this.#graph.add(statement)
        } catch {
          fate = 'refused' // whoever brought the last ancestor did nothing wrong
        }
        if (fate === 'waiting') continue
        this.#waiting.delete(id)
        isProgress ||= fate === 'added'
      }
    }
  }

  async #say(what: Said): Promise<void> {
    const { signer, clock } = this.#init
    const isAllowed = what.kind === 'leave' || this.role(signer.key) === 'full'
    if (!isAllowed) {
      throw new DittoError('DITTO_ROLE', 'This device may not change who belongs to the space: it is no full member.')
    }
    const seen = this.#graph.headsFor(signer.key, what.subject)
    const body = { ...what, space: this.space, author: signer.key, time: clock.now(), seen } as StatementBody
    const statement = signStatement(body, signer)
    await this.#commit(async (turn) => {
      this.#graph.add(statement)
      await turn()
    })
  }

  /** Makes what `change` adds to the graph durable, then tells; without it when that fails. @returns how many */
  async #commit(change: (turn: () => Promise<void>) => Promise<void>): Promise<number> {
    const before = this.#view
    const turn = judgingTurns(this.#graph)
    await change(turn)
    const added = this.#graph.nodes.slice(before.size)
    if (added.length === 0) return 0
    try {
      await this.#init.store.write(added.map((node) => putStatement(this.space, node.index, node.statement.bytes)))
    } catch (error) {
      this.#graph.truncate(before.size)
      throw error
    }
    await turn()
    this.#view = new MembersView(this.#graph)
    this.#tell(before)
    return added.length
  }

  #tell(before: MembersView): void {
    const { state } = this.#view
    const removed = [...before.state.keys()].filter((key) => !state.has(key))
    for (const listener of [...this.#listeners]) listener(removed)
  }

  #expectMember(device: DeviceKey): void {
    if (this.role(device) === undefined)
      throw new DittoError('DITTO_NOT_FOUND', 'That device is no member of the space.')
  }
}

type Said =
  | { readonly kind: 'add'; readonly subject: DeviceKey; readonly role: Role; readonly name: string }
  | { readonly kind: 'role'; readonly subject: DeviceKey; readonly role: Role }
  | { readonly kind: 'remove' | 'leave'; readonly subject: DeviceKey }
