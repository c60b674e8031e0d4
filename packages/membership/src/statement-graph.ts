import { type DeviceKey, DittoError, MAX_STATEMENTS, type SpaceId } from '@dittofs/interface'
import { byDepth, type MembersState, resolveMembers, type StatementNode } from './resolve-members.ts'
import { MAX_SEEN, type Statement, type StatementBody, type StatementId, spaceOf } from './statement.ts'
import { StatementSet } from './statement-set.ts'

/** States kept by head set: statements that follow each other, or were made side by side, share one. */
const MAX_CACHED_STATES = 8

/** What became of a statement: `known` before, `added`, or `waiting` for an ancestor that is not here. */
export type StatementFate = 'known' | 'added' | 'waiting'

/** The statements of one space, complete in their ancestors, and what they say. In memory; grows only. */
export class StatementGraph {
  readonly space: SpaceId
  readonly #nodes: StatementNode[] = []
  readonly #byId = new Map<StatementId, StatementNode>()
  readonly #heads = new Set<StatementNode>()
  readonly #states = new Map<string, MembersState>()
  #resolutions = 0

  constructor(space: SpaceId) {
    this.space = space
  }

  get size(): number {
    return this.#nodes.length
  }

  /** Parents first. */
  get nodes(): readonly StatementNode[] {
    return this.#nodes
  }

  /**
   * How often the rule was applied so far. Once takes up to a few milliseconds, and {@link judge}, {@link add} and
   * {@link members} do it once at most: whoever calls them in a loop gives others a turn whenever this has risen.
   */
  get resolutions(): number {
    return this.#resolutions
  }

  has(id: StatementId): boolean {
    return this.#byId.has(id)
  }

  /** Who is a member by all statements together. */
  members(): MembersState {
    return this.#stateAt([...this.#heads])
  }

  /**
   * Judges a statement without adding it.
   *
   * @returns the node that {@link add} would make; its fate where there is none to make
   * @throws DittoError DITTO_STATEMENT_INVALID (another space, or the author had no right to it), DITTO_LIMIT
   */
  judge(statement: Statement): StatementNode | 'known' | 'waiting' {
    const { body, id } = statement
    if (this.#byId.has(id)) return 'known'
    if (spaceOf(statement) !== this.space) throw refused('it speaks of another space')
    const parents = body.seen.map((seen) => this.#byId.get(seen))
    if (!parents.every((parent) => parent !== undefined)) return 'waiting'
    if (this.#nodes.length >= MAX_STATEMENTS) {
      throw new DittoError(
        'DITTO_LIMIT',
        `The space already has ${MAX_STATEMENTS} statements about members, the most it can hold: make a new space.`,
      )
    }
    const index = this.#nodes.length
    const depth = 1 + Math.max(-1, ...parents.map((parent) => parent.depth))
    const restsOn = new StatementSet()
    restsOn.add(index)
    if (body.kind === 'genesis') {
      return { index, statement, ancestors: new StatementSet(), depth, supports: undefined, restsOn }
    }
    const supporting = this.#supportsOf(body, parents)
    // A fixed property of the ancestors, so every device refuses the same ones.
    if (supporting === undefined) throw refused('its author had no right to it')
    const supports = new StatementSet()
    for (const support of supporting) {
      supports.add(support.index)
      restsOn.addAll(support.restsOn)
    }
    return { index, statement, ancestors: upTo(parents), depth, supports, restsOn }
  }

  /** As {@link judge}, and adds it. */
  add(statement: Statement): StatementFate {
    const node = this.judge(statement)
    if (typeof node === 'string') return node
    this.#nodes.push(node)
    this.#byId.set(statement.id, node)
    for (const seen of statement.body.seen) {
      const parent = this.#byId.get(seen)
      if (parent !== undefined) this.#heads.delete(parent)
    }
    this.#heads.add(node)
    return 'added'
  }

  /** Forgets the statements from the one at `size` on. */
  truncate(size: number): void {
    for (const { statement } of this.#nodes.splice(size)) this.#byId.delete(statement.id)
    this.#states.clear()
    this.#heads.clear()
    const seen = new Set(this.#nodes.flatMap(({ statement }) => statement.body.seen))
    for (const node of this.#nodes) if (!seen.has(node.statement.id)) this.#heads.add(node)
  }

  /**
   * The heads a new statement names. Where there are more than fit, those that tell most of its author and subject
   * come first: of the others it then counts as not seen.
   */
  headsFor(author: DeviceKey, subject: DeviceKey): StatementId[] {
    const heads = [...this.#heads].sort(byDepth)
    if (heads.length > MAX_SEEN) {
      const telling = this.#nodes.filter(
        ({ statement: { body } }) => body.subject === author || body.subject === subject || body.kind === 'remove',
      )
      const weigh = (head: StatementNode) =>
        telling.filter((node) => node === head || head.ancestors.has(node.index)).length
      const weights = new Map(heads.map((head) => [head, weigh(head)]))
      heads.sort((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0) || byDepth(a, b))
    }
    return heads
      .slice(0, MAX_SEEN)
      .map((head) => head.statement.id)
      .sort()
  }

  /** Rule 1: the author was `full` by what it had seen; to leave, a member. `undefined` where it had no right. */
  #supportsOf(body: StatementBody, parents: readonly StatementNode[]): readonly StatementNode[] | undefined {
    const state = this.#stateAt(parents)
    const author = state.get(body.author)
    if (author === undefined) return undefined
    if (body.kind === 'leave') return author.grants
    if (author.role !== 'full' || (body.kind === 'role' && !state.has(body.subject))) return undefined
    return author.fullGrants
  }

  #stateAt(heads: readonly StatementNode[]): MembersState {
    const key = heads
      .map((head) => head.index)
      .sort((a, b) => a - b)
      .join()
    const cached = this.#states.get(key)
    if (cached !== undefined) return cached
    const within = upTo(heads)
    const state = resolveMembers(this.#nodes.filter((node) => within.has(node.index)))
    this.#resolutions++
    this.#states.set(key, state)
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= MAX_CACHED_STATES) break
      this.#states.delete(oldest)
    }
    return state
  }
}

/** These and all before them. */
function upTo(heads: readonly StatementNode[]): StatementSet {
  const set = new StatementSet()
  for (const head of heads) {
    set.add(head.index)
    set.addAll(head.ancestors)
  }
  return set
}

function refused(why: string): DittoError {
  return new DittoError('DITTO_STATEMENT_INVALID', `A statement about members was refused: ${why}.`)
}
