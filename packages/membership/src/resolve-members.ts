import type { DeviceKey, Role } from '@dittofs/interface'
import type { Statement } from './statement.ts'
import { StatementSet } from './statement-set.ts'
import { type Edges, stronglyConnectedComponents } from './strongly-connected-components.ts'

/** A statement in its graph. */
export interface StatementNode {
  /** Position in the graph; parents have smaller ones. Differs between devices and decides nothing. */
  readonly index: number
  readonly statement: Statement
  readonly ancestors: StatementSet
  /** Longest way from the genesis. */
  readonly depth: number
  /**
   * The grants by which the author could make it, all among the ancestors: any one is enough. `undefined` for a
   * genesis, which needs none.
   */
  readonly supports: StatementSet | undefined
  /** Itself, its supports, theirs and so on: whatever it might fall with. */
  readonly restsOn: StatementSet
}

/** What a set of statements says about one member. */
export interface MemberState {
  readonly role: Role
  /** Statements that make it a member (genesis, add, a raised role), in an order that is the same everywhere. */
  readonly grants: readonly StatementNode[]
  /** Those of them that make it a `full` one. */
  readonly fullGrants: readonly StatementNode[]
}

export type MembersState = ReadonlyMap<DeviceKey, MemberState>

/**
 * Who is a member, by SECURITY.md section 4: a pure function of the set of statements, whatever their order.
 *
 * 1. A statement counts if its author could make it. Its ancestors fix that once and for all (`supports`), so those
 *    that never could are refused by every device and are not among `nodes`.
 * 2. A removal of M by another voids every statement of M that is neither before nor after it, and with those all
 *    whose last support falls: what an accomplice did on M's word falls with M's word.
 * 3. Removals are taken in the order of "may void": components of the graph, earlier ones first. Those of one
 *    component (they void each other, in a pair or a ring) all stand, but for those that an earlier one has voided.
 * 4. Of the grants that are left, a removal or `leave` beats those of the same device that had not seen it.
 * 5. Who has no grant left is no member.
 *
 * A lowered role is a removal in rules 2 and 3. In rule 4 it takes nothing away but `full`, from the grants that had
 * not seen it, and it is no grant: else a removed device could, by lowering an accomplice's role, keep it in.
 *
 * Sets of statements are bits, so that the worst a peer can send costs at most a set operation for each pair of
 * statements: a few milliseconds.
 *
 * @param nodes - closed under ancestors, parents first
 */
export function resolveMembers(nodes: readonly StatementNode[]): MembersState {
  const fallen = voidedBy(removalsInOrder(nodes), nodes)
  return standing(nodes.filter((node) => !fallen.has(node.index)))
}

interface Removal {
  readonly node: StatementNode
  /** Statements of the removed device that the removal voids itself; `undefined` where there are none. */
  readonly direct: StatementSet | undefined
}

/** Components of removals, each before those it may void. */
function removalsInOrder(nodes: readonly StatementNode[]): Removal[][] {
  const byAuthor = new Map<DeviceKey, StatementNode[]>()
  for (const node of nodes) push(byAuthor, node.statement.body.author, node)
  const removals: Removal[] = nodes
    .filter(isRemoval)
    .map((node) => ({ node, direct: voidedDirectly(node, byAuthor.get(node.statement.body.subject) ?? []) }))
  const byIndex = new Map(removals.map((removal) => [removal.node.index, removal]))
  return stronglyConnectedComponents(edgesBetween(removals)).map((component) =>
    component.map((index) => byIndex.get(index) as Removal),
  )
}

/**
 * From each removal to those that may fall by it: more than do, so that none is judged before all that bear on it.
 * Nothing rests on a removal, so one falls with itself, or with one of the grants it rests on.
 */
function edgesBetween(removals: readonly Removal[]): Edges {
  const all = new StatementSet()
  const grants = new StatementSet()
  const restingOn = new Map<number, StatementSet>()
  for (const { node } of removals) {
    all.add(node.index)
    node.restsOn.visit((index) => {
      if (index === node.index) return
      grants.add(index)
      put(restingOn, index, node.index)
    })
  }
  return new Map(
    removals.map(({ node, direct }) => {
      const mayFall = new StatementSet()
      if (direct !== undefined) {
        mayFall.addAll(direct.and(all))
        direct.and(grants).visit((index) => {
          mayFall.addAll(restingOn.get(index) as StatementSet)
        })
      }
      return [node.index, mayFall]
    }),
  )
}

function voidedDirectly(removal: StatementNode, ofRemoved: readonly StatementNode[]): StatementSet | undefined {
  let direct: StatementSet | undefined
  for (const other of ofRemoved) {
    if (!areConcurrent(removal, other)) continue
    direct ??= new StatementSet()
    direct.add(other.index)
  }
  return direct
}

function voidedBy(components: readonly Removal[][], nodes: readonly StatementNode[]): StatementSet {
  const fallen = new StatementSet()
  const upheld = new StatementSet()
  for (const component of components) {
    const standing = component.filter(({ node }) => !fallen.has(node.index))
    for (const { node } of standing) upheld.add(node.index)
    let isMore = false
    for (const { direct } of standing) {
      if (direct !== undefined && fallen.addAllBut(direct, upheld)) isMore = true
    }
    if (!isMore) continue
    for (const { index, supports } of nodes) {
      if (supports === undefined || fallen.has(index) || upheld.has(index)) continue
      if (supports.isWithin(fallen)) fallen.add(index)
    }
  }
  return fallen
}

/** Rules 4 and 5. */
function standing(effective: readonly StatementNode[]): MembersState {
  const grants = new Map<DeviceKey, StatementNode[]>()
  const exits = new Map<DeviceKey, StatementSet>()
  const lowerings = new Map<DeviceKey, StatementSet>()
  for (const node of effective) {
    const { kind, subject } = node.statement.body
    if (kind === 'remove' || kind === 'leave') put(exits, subject, node.index)
    else if (isLowering(node)) put(lowerings, subject, node.index)
    else push(grants, subject, node)
  }
  const members = new Map<DeviceKey, MemberState>()
  for (const [device, given] of grants) {
    const left = given.filter((grant) => hasSeen(grant, exits.get(device))).sort(byDepth)
    if (left.length === 0) continue
    const full = left.filter((grant) => roleOf(grant) === 'full' && hasSeen(grant, lowerings.get(device)))
    members.set(device, { role: full.length > 0 ? 'full' : 'read', grants: left, fullGrants: full })
  }
  return members
}

function push(lists: Map<DeviceKey, StatementNode[]>, device: DeviceKey, node: StatementNode): void {
  const list = lists.get(device)
  if (list === undefined) lists.set(device, [node])
  else list.push(node)
}

function put<Key>(sets: Map<Key, StatementSet>, key: Key, index: number): void {
  let set = sets.get(key)
  if (set === undefined) {
    set = new StatementSet()
    sets.set(key, set)
  }
  set.add(index)
}

function hasSeen(node: StatementNode, others: StatementSet | undefined): boolean {
  return others === undefined || others.isWithin(node.ancestors)
}

function isRemoval(node: StatementNode): boolean {
  const { kind, author, subject } = node.statement.body
  return kind === 'remove' || (isLowering(node) && author !== subject)
}

function isLowering(node: StatementNode): boolean {
  return node.statement.body.kind === 'role' && node.statement.body.role === 'read'
}

export function roleOf(node: StatementNode): Role | undefined {
  return 'role' in node.statement.body ? node.statement.body.role : undefined
}

function areConcurrent(a: StatementNode, b: StatementNode): boolean {
  return a !== b && !a.ancestors.has(b.index) && !b.ancestors.has(a.index)
}

/** Older first; ties by ID, so that it is the same everywhere. */
export function byDepth(a: StatementNode, b: StatementNode): number {
  return a.depth - b.depth || (a.statement.id < b.statement.id ? -1 : 1)
}
