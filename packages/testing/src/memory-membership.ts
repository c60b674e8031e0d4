import { createHash } from 'node:crypto'
import {
  CHUNKERS,
  type ChunkerKind,
  type DeviceKey,
  DittoError,
  deviceKey,
  MAX_STATEMENTS,
  type Member,
  type Membership,
  ROLES,
  type Role,
  type SpaceId,
  type Unsubscribe,
} from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '@dittofs/wire'
import { type MemberStatement, MemoryMembers } from './memory-members.ts'

export interface MemoryMembershipInit {
  space: SpaceId
  /** The device that speaks. */
  self: DeviceKey
  /**
   * The full members to begin with: devices that are given the same ones, in any order, begin alike. Default: only
   * `self`.
   */
  members?: readonly DeviceKey[]
  /** Those of `members`, or others, who only read. */
  readers?: readonly DeviceKey[]
  /** Instead of `members`: what another device of the space holds, parents first. */
  statements?: readonly Uint8Array[]
  chunker?: ChunkerKind
}

type Spoken = MemberStatement & { readonly name?: string; readonly bytes: Uint8Array }
type Said = Pick<Spoken, 'kind' | 'author' | 'subject' | 'role' | 'name'>

/** {@link Membership} in memory, without signatures: whoever brings a statement is believed. */
export function memoryMembership(init: MemoryMembershipInit): Membership {
  return new MemoryMembership(init)
}

class MemoryMembership implements Membership {
  readonly space: SpaceId
  readonly chunker: ChunkerKind
  readonly meet: Uint8Array
  readonly #self: DeviceKey
  readonly #spoken = new Map<string, Spoken>()
  readonly #waiting = new Map<string, Spoken>()
  readonly #rule = new MemoryMembers()
  readonly #listeners = new Set<(removed: readonly DeviceKey[]) => void>()

  constructor(init: MemoryMembershipInit) {
    const { space, self, members = [self], readers = [], statements = [], chunker = CHUNKERS[0] } = init
    this.space = space
    this.chunker = chunker
    this.meet = createHash('sha256').update(`meet of ${space}`).digest()
    this.#self = self
    for (const bytes of statements) this.#take(this.#read(bytes))
    if (statements.length > 0) return
    const [author, ...others] = members.filter((key) => !readers.includes(key)).sort()
    if (author === undefined) throw new TypeError('a space begins with a full member')
    this.#take(this.#speak({ kind: 'genesis', author, subject: author, role: 'full', name: labelOf(author) }))
    for (const subject of [...others, ...[...readers].sort()]) {
      const role = readers.includes(subject) ? 'read' : 'full'
      this.#take(this.#speak({ kind: 'add', author, subject, role, name: labelOf(subject) }))
    }
  }

  members(): readonly Member[] {
    const names = [...this.#spoken.values()].filter(({ name }) => name !== undefined).sort(this.#rule.byAge)
    const members = [...this.#rule.members()].map(([key, { role, grants }]) => ({
      key,
      name: names.findLast(({ subject }) => subject === key)?.name ?? '',
      role,
      addedBy: grants[0]?.author ?? key,
    }))
    return members.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  role(device: DeviceKey): Role | undefined {
    return this.#rule.members().get(device)?.role
  }

  wasRemoved(device: DeviceKey): boolean {
    const wasMember = [...this.#spoken.values()].some(({ subject, role }) => subject === device && role !== undefined)
    return wasMember && this.role(device) === undefined
  }

  statements(): readonly Uint8Array[] {
    return [...this.#spoken.values()].map(({ bytes }) => bytes)
  }

  async receive(statements: readonly Uint8Array[]): Promise<number> {
    return this.#change(() => {
      for (const bytes of statements) this.#take(this.#read(bytes))
    })
  }

  async add(device: DeviceKey, name: string, role: Role): Promise<void> {
    const present = this.role(device)
    if (present === 'full' || present === role) return
    if (present === undefined) this.#say({ kind: 'add', subject: device, role, name })
    else this.#say({ kind: 'role', subject: device, role })
  }

  async remove(device: DeviceKey): Promise<readonly Member[]> {
    if (this.role(device) === undefined)
      throw new DittoError('DITTO_NOT_FOUND', 'That device is no member of the space.')
    const before = this.members()
    this.#say({ kind: device === this.#self ? 'leave' : 'remove', subject: device })
    return before.filter(({ key }) => key !== device && this.role(key) === undefined)
  }

  async leave(): Promise<void> {
    if (this.role(this.#self) !== undefined) this.#say({ kind: 'leave', subject: this.#self })
  }

  onChange(listener: (removed: readonly DeviceKey[]) => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  #say(said: Omit<Said, 'author'>): void {
    if (said.kind !== 'leave' && this.role(this.#self) !== 'full') {
      throw new DittoError('DITTO_ROLE', 'This device may not change who belongs to the space: it is no full member.')
    }
    this.#change(() => {
      this.#take(this.#speak({ ...said, author: this.#self }))
    })
  }

  #change(change: () => void): number {
    const before = this.#rule.members()
    const sizeBefore = this.#spoken.size
    try {
      change()
    } finally {
      if (this.#spoken.size > sizeBefore) {
        const after = this.#rule.members()
        const removed = [...before.keys()].filter((key) => !after.has(key))
        for (const listener of [...this.#listeners]) listener(removed)
      }
    }
    return this.#spoken.size - sizeBefore
  }

  #take(statement: Spoken): void {
    if (this.#spoken.has(statement.id)) return
    if (statement.kind === 'genesis' && this.#spoken.size > 0) throw invalid('it speaks of another space')
    if (!statement.seen.every((id) => this.#spoken.has(id))) {
      this.#waiting.set(statement.id, statement)
      return
    }
    if (this.#spoken.size >= MAX_STATEMENTS) {
      throw new DittoError('DITTO_LIMIT', `The space already has ${MAX_STATEMENTS} statements about members.`)
    }
    this.#waiting.delete(statement.id)
    if (!this.#rule.add(statement)) throw invalid('its author had no right to it')
    this.#spoken.set(statement.id, statement)
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.seen.every((id) => this.#spoken.has(id))) this.#take(waiting)
    }
  }

  #speak(said: Said): Spoken {
    const seen = new Set([...this.#spoken.values()].flatMap((one) => one.seen))
    const heads = [...this.#spoken.keys()].filter((id) => !seen.has(id))
    return this.#read(encodeCbor({ ...said, space: this.space, seen: heads }))
  }

  #read(bytes: Uint8Array): Spoken {
    const map = fieldsOf(bytes)
    const kind = (['genesis', 'add', 'remove', 'role', 'leave'] as const).find((one) => one === map.get('kind'))
    const role = ROLES.find((one) => one === map.get('role'))
    const [author, subject, seen, name] = ['author', 'subject', 'seen', 'name'].map((field) => map.get(field))
    const isKnown = deviceKey.is(author) && deviceKey.is(subject) && Array.isArray(seen) && kind !== undefined
    if (!isKnown || map.get('space') !== this.space) throw invalid('it is none of this space')
    return {
      id: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
      ...{ kind, author, subject, bytes },
      seen: seen.map(String),
      ...(role !== undefined && { role }),
      ...(typeof name === 'string' && { name }),
    }
  }
}

function fieldsOf(bytes: Uint8Array): Map<unknown, unknown> {
  try {
    const map = decodeCbor(bytes)
    if (map instanceof Map) return map
  } catch {
    // Told below.
  }
  throw invalid('it is not well-formed')
}

function labelOf(key: DeviceKey): string {
  return key.slice(0, 6)
}

function invalid(why: string): DittoError {
  return new DittoError('DITTO_STATEMENT_INVALID', `A statement about members was refused: ${why}.`)
}
