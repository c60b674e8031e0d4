import type { DeviceKey, Role } from '@dittofs/interface'

/** What a member says about who belongs to a space, as far as the rule looks at it. */
export interface MemberStatement {
  readonly id: string
  readonly kind: 'genesis' | 'add' | 'remove' | 'role' | 'leave'
  readonly author: DeviceKey
  readonly subject: DeviceKey
  /** Of a genesis, an `add` and a `role`. */
  readonly role?: Role
  /** IDs of the statements it follows. */
  readonly seen: readonly string[]
}

export interface MemoryMemberState {
  readonly role: Role
  readonly grants: readonly MemberStatement[]
  readonly fullGrants: readonly MemberStatement[]
}

/**
 * The rule of membership (SECURITY.md section 4) as it is written there, with sets of IDs and no thought of speed: what
 * a fast one is held to. Rules 1 to 5 are named where they are applied.
 *
 * All statements given to one instance must be complete in those they follow.
 */
export class MemoryMembers {
  readonly #statements = new Map<string, MemberStatement>()
  readonly #ancestors = new Map<string, ReadonlySet<string>>()
  /** By which grants a statement's author could make it; `undefined` where it could not. Rule 1. */
  readonly #supports = new Map<string, readonly string[]>()

  has(id: string): boolean {
    return this.#statements.has(id)
  }

  #current: ReadonlyMap<DeviceKey, MemoryMemberState> | undefined

  /** @returns whether it counts: one whose author had no right to it is not taken */
  add(statement: MemberStatement): boolean {
    const ancestors = new Set(statement.seen.flatMap((id) => [id, ...(this.#ancestors.get(id) ?? [])]))
    const supports = this.#supporting(statement, ancestors)
    if (supports === undefined) return false
    this.#current = undefined
    this.#statements.set(statement.id, statement)
    this.#ancestors.set(statement.id, ancestors)
    this.#supports.set(
      statement.id,
      supports.map(({ id }) => id),
    )
    return true
  }

  members(): ReadonlyMap<DeviceKey, MemoryMemberState> {
    this.#current ??= this.#resolve([...this.#statements.values()])
    return this.#current
  }

  /** Orders statements alike on every device, each after those it follows. */
  readonly byAge = (a: MemberStatement, b: MemberStatement): number => {
    const age = (this.#ancestors.get(a.id)?.size ?? 0) - (this.#ancestors.get(b.id)?.size ?? 0)
    return age || (a.id < b.id ? -1 : 1)
  }

  #supporting(statement: MemberStatement, ancestors: ReadonlySet<string>): readonly MemberStatement[] | undefined {
    const { kind, author, subject } = statement
    if (kind === 'genesis') return []
    const state = this.#resolve([...this.#statements.values()].filter(({ id }) => ancestors.has(id)))
    const own = state.get(author)
    if (kind === 'leave') return own?.grants
    return own?.role === 'full' && (kind !== 'role' || state.has(subject)) ? own.fullGrants : undefined
  }

  #resolve(statements: readonly MemberStatement[]): ReadonlyMap<DeviceKey, MemoryMemberState> {
    const fallen = this.#fallen(statements)
    const left = statements.filter(({ id }) => !fallen.has(id))
    const members = new Map<DeviceKey, MemoryMemberState>()
    for (const device of new Set(left.map(({ subject }) => subject))) {
      const about = left.filter(({ subject }) => subject === device)
      const exits = about.filter(({ kind }) => kind === 'remove' || kind === 'leave')
      const lowerings = about.filter(isLowering)
      // Rules 4 and 5.
      const grants = about
        .filter((one) => one.role !== undefined && !isLowering(one))
        .filter((one) => exits.every(({ id }) => this.#isBefore(id, one.id)))
        .sort(this.byAge)
      const fullGrants = grants.filter(
        (one) => one.role === 'full' && lowerings.every(({ id }) => this.#isBefore(id, one.id)),
      )
      if (grants.length > 0) members.set(device, { role: fullGrants.length > 0 ? 'full' : 'read', grants, fullGrants })
    }
    return members
  }

  /** Rules 2 and 3. */
  #fallen(statements: readonly MemberStatement[]): Set<string> {
    const fallen = new Set<string>()
    const upheld = new Set<string>()
    let left = statements.filter((one) => one.kind === 'remove' || (isLowering(one) && one.author !== one.subject))
    const reach = this.#reach(left, statements)
    const reaches = (a: MemberStatement, b: MemberStatement) => reach.get(a.id)?.has(b.id) === true
    while (left.length > 0) {
      const first = left.find((one) => left.every((other) => !reaches(other, one) || reaches(one, other)))
      if (first === undefined) throw new TypeError('a graph of components has no rings')
      const component = left.filter((one) => one === first || (reaches(one, first) && reaches(first, one)))
      left = left.filter((one) => !component.includes(one))
      const standing = component.filter(({ id }) => !fallen.has(id))
      for (const { id } of standing) upheld.add(id)
      for (const removal of standing) {
        for (const { id } of this.#direct(removal, statements)) if (!upheld.has(id)) fallen.add(id)
      }
      for (const { id, kind } of statements) {
        const supports = this.#supports.get(id) ?? []
        if (kind !== 'genesis' && !upheld.has(id) && supports.every((support) => fallen.has(support))) fallen.add(id)
      }
    }
    return fallen
  }

  /** For each removal, the removals that may fall by it or by those that may fall by it, and so on. */
  #reach(removals: readonly MemberStatement[], statements: readonly MemberStatement[]): Map<string, Set<string>> {
    const next = new Map(
      removals.map((removal) => {
        const mayFall = new Set(this.#direct(removal, statements).map(({ id }) => id))
        for (const { id } of statements) {
          if (mayFall.size > 0 && this.#supports.get(id)?.some((support) => mayFall.has(support))) mayFall.add(id)
        }
        return [removal.id, removals.filter(({ id }) => mayFall.has(id)).map(({ id }) => id)]
      }),
    )
    return new Map(
      removals.map(({ id }) => {
        const reached = new Set<string>()
        const open = [id]
        for (let at = open.pop(); at !== undefined; at = open.pop()) {
          for (const to of next.get(at) ?? []) {
            if (reached.has(to)) continue
            reached.add(to)
            open.push(to)
          }
        }
        return [id, reached]
      }),
    )
  }

  #direct(removal: MemberStatement, statements: readonly MemberStatement[]): MemberStatement[] {
    return statements.filter(
      ({ id, author }) =>
        author === removal.subject &&
        id !== removal.id &&
        !this.#isBefore(id, removal.id) &&
        !this.#isBefore(removal.id, id),
    )
  }

  #isBefore(id: string, other: string): boolean {
    return this.#ancestors.get(other)?.has(id) === true
  }
}

function isLowering({ kind, role }: MemberStatement): boolean {
  return kind === 'role' && role === 'read'
}
