import { type DeviceKey, MAX_STATEMENTS, type Role } from '@dittofs/interface'
import type { AncestorSet } from './ancestor-set.ts'
import type { Statement } from './statement.ts'
import { stronglyConnectedComponents } from './strongly-connected-components.ts'

/** A statement in its graph. */
export interface StatementNode {
  /** Position in the graph; parents have smaller ones. Differs between devices and decides nothing. */
  readonly index: number
  readonly statement: Statement
  readonly ancestors: AncestorSet
  /** Longest way from the genesis. */
  readonly depth: number
  /** The grants by which the author could make it, all among the ancestors: any one is enough. Empty for a genesis. */
  readonly supports: readonly StatementNode[]
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
 * @param nodes - closed under ancestors, parents first
 */
export function resolveMembers(nodes: readonly StatementNode[]): MembersState {
  const fallen = voidedBy(removalsInOrder(nodes), nodes)
  return standing(nodes.filter((node) => !fallen.has(node)))
}

interface Removal {
  readonly node: StatementNode
  /** Statements of the removed device that the removal voids itself. */
  readonly direct: readonly StatementNode[]
}

/** Components of removals, each before those it may void. */
function removalsInOrder(nodes: readonly StatementNode[]): Removal[][] {
  const byAuthor = new Map<DeviceKey, StatementNode[]>()
  for (const node of nodes) {
    const list = byAuthor.get(node.statement.body.author)
    if (list === undefined) byAuthor.set(node.statement.body.author, [node])
    else list.push(node)
  }
  const removals: Removal[] = nodes.filter(isRemoval).map((node) => ({
    node,
    direct: (byAuthor.get(node.statement.body.subject) ?? []).filter((other) => areConcurrent(node, other)),
  }))
  const edges = removals.map(({ direct }) => {
    if (direct.length === 0) return []
    const isFalling = mayFall(direct, nodes)
    return removals.flatMap(({ node }, i) => (isFalling[node.index] === 1 ? [i] : []))
  })
  return stronglyConnectedComponents(edges).map((component) => component.map((i) => removals[i] as Removal))
}

/**
 * All that could fall with `direct`: itself, and whatever has any support in it. Wider than what does fall, so that
 * nothing is judged before all that can bear on it.
 *
 * @returns 1 at the index of each
 */
function mayFall(direct: readonly StatementNode[], nodes: readonly StatementNode[]): Uint8Array {
  const isFalling = new Uint8Array(MAX_STATEMENTS)
  for (const node of direct) isFalling[node.index] = 1
  for (const node of nodes) {
    for (const support of node.supports) if (isFalling[support.index] === 1) isFalling[node.index] = 1
  }
  return isFalling
}

function voidedBy(components: readonly Removal[][], nodes: readonly StatementNode[]): Set<StatementNode> {
  const fallen = new Set<StatementNode>()
  const upheld = new Set<StatementNode>()
  for (const component of components) {
    const standing = component.filter(({ node }) => !fallen.has(node))
    for (const { node } of standing) upheld.add(node)
    const before = fallen.size
    for (const { direct } of standing) {
      for (const node of direct) if (!upheld.has(node)) fallen.add(node)
    }
    if (fallen.size === before) continue
    for (const node of nodes) {
      if (node.supports.length === 0 || upheld.has(node)) continue
      if (node.supports.every((support) => fallen.has(support))) fallen.add(node)
    }
  }
  return fallen
}

/** Rules 4 and 5. */
function standing(effective: readonly StatementNode[]): MembersState {
  const grants = new Map<DeviceKey, StatementNode[]>()
  const exits = new Map<DeviceKey, StatementNode[]>()
  const lowerings = new Map<DeviceKey, StatementNode[]>()
  for (const node of effective) {
    const { kind, subject } = node.statement.body
    const lists = kind === 'remove' || kind === 'leave' ? exits : isLowering(node) ? lowerings : grants
    const list = lists.get(subject)
    if (list === undefined) lists.set(subject, [node])
    else list.push(node)
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

function hasSeen(node: StatementNode, others: readonly StatementNode[] = []): boolean {
  return others.every((other) => node.ancestors.has(other.index))
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
