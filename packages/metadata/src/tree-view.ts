import type { DeviceKey } from '@dittofs/interface'
import { conflictName } from './conflict-name.ts'
import { contentKey, packedMtimeNs } from './content-codec.ts'
import { compareEvents } from './event.ts'
import { livingVersions, type VersionGroup } from './leaf-versions.ts'
import { childrenNamed, type Deletion, type NodeState, type Placement } from './node-state.ts'
import {
  type Duplicate,
  isAlive,
  type Member,
  type ShownDirectory,
  type ShownEntry,
  type ShownLeaf,
} from './shown-tree.ts'
import type { SpaceIndex } from './space-index.ts'
import { TreeSummaries } from './tree-summary.ts'
import { covers } from './version-vector.ts'

/** A short label of a device, the same on every device: part of the names of conflict copies. */
export type DeviceLabel = (key: DeviceKey) => string

/** What stands under one name before conflict copies get names of their own. */
export interface NameView {
  readonly name: string
  readonly main: ShownEntry | undefined
  /** Entries that need another name. */
  readonly losers: readonly Loser[]
}

export interface Loser {
  readonly name: string
  readonly node: NodeState
  readonly group: VersionGroup
  /** The first of its node's versions; `undefined` when this is it. */
  readonly copyOf: Loser | ShownLeaf | undefined
}

const NO_DELETIONS: readonly Deletion[] = []
const NO_LOSERS: readonly Loser[] = []

/**
 * What a space shows, read from its index on demand: nothing is built ahead, so an entry costs what is asked of it.
 *
 * A directory is evaluated from above: the deletions that reach it come from its parents. Names of conflict copies
 * depend on all that a directory shows, which is why only contested names can make them.
 */
export class TreeView {
  readonly index: SpaceIndex
  readonly summaries: TreeSummaries
  readonly #deviceLabel: DeviceLabel

  /** @param minParts - names from which on a directory's totals are kept name by name */
  constructor(index: SpaceIndex, deviceLabel: DeviceLabel, minParts?: number) {
    this.index = index
    this.#deviceLabel = deviceLabel
    this.summaries = new TreeSummaries(this, minParts)
  }

  get root(): ShownDirectory {
    const members = [{ node: this.index.root, deletions: NO_DELETIONS }]
    return { kind: 'directory', name: '', parent: undefined, members }
  }

  /** The entry shown under a path of names. */
  find(names: readonly string[]): ShownEntry | undefined {
    let entry: ShownEntry | undefined = this.root
    for (const name of names) {
      if (entry?.kind !== 'directory') return undefined
      entry = this.child(entry, name)
    }
    return entry
  }

  child(directory: ShownDirectory, name: string): ShownEntry | undefined {
    const { main } = this.at(directory, name)
    if (main !== undefined) return main
    return this.conflictCopies(directory).find((copy) => copy.name === name)
  }

  /** The entry that is shown by its own name; conflict copies are not. */
  main(directory: ShownDirectory, name: string): ShownEntry | undefined {
    return this.at(directory, name).main
  }

  /** All entries of a directory, in no order. */
  *entries(directory: ShownDirectory): Generator<ShownEntry> {
    for (const name of namesIn(directory)) {
      const { main } = this.at(directory, name)
      if (main !== undefined) yield main
    }
    yield* this.conflictCopies(directory)
  }

  /** The other shown versions of the node that `main` shows. */
  copiesOf(main: ShownLeaf): ShownLeaf[] {
    return this.conflictCopies(main.parent).filter((copy) => copy.copyOf !== undefined && copy.node === main.node)
  }

  /** The entries of a directory that are shown by another name than their own. */
  conflictCopies(directory: ShownDirectory): readonly ShownLeaf[] {
    const losers = this.#losers(directory)
    if (losers.length === 0) return []
    losers.sort(
      (a, b) =>
        compareText(a.name, b.name) || compareEvents(a.group.shown, b.group.shown) || compareText(a.node.id, b.node.id),
    )
    const shown = new Map<Loser, ShownLeaf>()
    const taken = new Set<string>()
    const names = losers.map((loser) => {
      const version = loser.group.shown
      const name = conflictName({
        name: loser.name,
        device: this.#label(version.writer),
        mtimeNs: packedMtimeNs(version.content),
        isTaken: (candidate) => taken.has(candidate) || this.at(directory, candidate).main !== undefined,
      })
      taken.add(name)
      return name
    })
    // Copies refer to the first version of their node, which may be a conflict copy itself: those come first.
    for (const isCopy of [false, true]) {
      for (const [position, loser] of losers.entries()) {
        if ((loser.copyOf !== undefined) !== isCopy) continue
        const { copyOf } = loser
        shown.set(loser, {
          kind: 'leaf',
          name: names[position] as string,
          parent: directory,
          node: loser.node,
          version: loser.group.shown,
          same: loser.group.same,
          duplicates: [],
          copyOf: copyOf === undefined || isShown(copyOf) ? copyOf : shown.get(copyOf),
          conflictOf: loser.name,
        })
      }
    }
    return [...shown.values()]
  }

  /** The deletions that reach what a node holds, given those that reach what its parent holds. */
  reaching(node: NodeState, above: readonly Deletion[]): readonly Deletion[] {
    if (node.isDisplaced || (above.length === 0 && node.deletions.length === 0)) return NO_DELETIONS
    const placement = node.placement as Placement
    return [...above, ...node.deletions].filter((deletion) => covers(deletion.cut, placement))
  }

  /** The directory nodes shown as one under a name: living ones, and dead ones in which something lives. */
  members(directory: ShownDirectory, name: string): Member[] {
    return this.placedMembers(directory, name)
      .filter((member) => isAlive(member) || !this.summaries.isEmpty(member))
      .sort(compareMembers)
  }

  /** The directory nodes placed under a name, whether or not they are shown. */
  placedMembers(directory: ShownDirectory, name: string): Member[] {
    const members: Member[] = []
    for (const { node, deletions } of directory.members) {
      for (const child of childrenNamed(node, name)) {
        if (child.kind === 'directory') members.push({ node: child, deletions: this.reaching(child, deletions) })
      }
    }
    return members
  }

  /** What stands under one name. */
  at(directory: ShownDirectory, name: string): NameView {
    const single = singleLeaf(directory, name)
    if (single !== undefined) {
      const [group, ...rest] = livingVersions(single.node, this.reaching(single.node, single.deletions))
      if (group === undefined) return { name, main: undefined, losers: NO_LOSERS }
      if (rest.length === 0) {
        return { name, main: leaf(directory, name, single.node, group, []), losers: NO_LOSERS }
      }
    }
    const members = this.members(directory, name)
    const leaves = this.#leaves(directory, name)
    if (members.length > 0) {
      const losers = leaves.flatMap(({ node, versions }) => losersOf(name, node, versions))
      return { name, main: { kind: 'directory', name, parent: directory, members }, losers }
    }
    const [first, ...others] = leaves
    if (first === undefined) return { name, main: undefined, losers: NO_LOSERS }
    const mainGroup = first.versions[0] as VersionGroup
    const mainKey = contentKey(first.node.kind, mainGroup.shown.content)
    const duplicates: Duplicate[] = []
    const losers: Loser[] = []
    const main = leaf(directory, name, first.node, mainGroup, duplicates)
    for (const group of first.versions.slice(1)) losers.push({ name, node: first.node, group, copyOf: main })
    for (const other of others) {
      const [only, ...more] = other.versions
      const isEqual =
        only !== undefined &&
        more.length === 0 &&
        other.node.kind === first.node.kind &&
        contentKey(other.node.kind, only.shown.content) === mainKey
      if (isEqual) duplicates.push(other)
      else losers.push(...losersOf(name, other.node, other.versions))
    }
    return { name, main, losers }
  }

  /** The living leaves under a name, the earlier placement first. */
  #leaves(directory: ShownDirectory, name: string): Duplicate[] {
    const leaves: Duplicate[] = []
    for (const { node, deletions } of directory.members) {
      for (const child of childrenNamed(node, name)) {
        if (child.kind === 'directory') continue
        const versions = livingVersions(child, this.reaching(child, deletions))
        if (versions.length > 0) leaves.push({ node: child, versions })
      }
    }
    return leaves.sort((a, b) => comparePlacements(a.node, b.node))
  }

  #losers(directory: ShownDirectory): Loser[] {
    const [only, ...more] = directory.members
    if (only === undefined || more.length > 0) {
      const names = this.summaries.contestedNames(directory) ?? sharedNames(directory)
      return [...names].flatMap((name) => {
        const found = this.at(directory, name).losers
        // As below, where the names are kept for these directories under these deletions.
        const isSettled = found.length === 0 && !hasDirectory(directory, name)
        if (isSettled) names.delete(name)
        return found
      })
    }
    const { children } = only.node
    if (children === undefined) return []
    if (!isAlive(only)) return [...children.contested].flatMap((name) => this.at(directory, name).losers)
    const losers: Loser[] = []
    for (const name of children.conflicting) {
      const found = this.at(directory, name).losers
      losers.push(...found)
      // In a living directory only a change under this very name can make it conflict again, unless what lives in a
      // dead directory of that name does.
      const isSettled = found.length === 0 && childrenNamed(only.node, name).every((node) => node.kind !== 'directory')
      if (isSettled) children.settle(name)
    }
    return losers
  }

  #label(writer: number): string {
    const device = this.index.devices.get(writer)
    return device === undefined ? writer.toString(36) : this.#deviceLabel(device)
  }
}

/** Reads the leaves of a directory that were not read yet, so that asking for its names takes no time. */
export function* readChildren(directory: ShownDirectory): Generator<void, void> {
  for (const { node } of directory.members) if (node.children !== undefined) yield* node.children.readSteps()
}

/** Every name in a directory, each once. Makes no list of them: a directory may hold any number. */
export function* namesIn({ members }: ShownDirectory): Generator<string> {
  for (const [position, { node }] of members.entries()) {
    const names = node.children?.byName.keys() ?? []
    if (position === 0) {
      yield* names
      continue
    }
    const before = members.slice(0, position)
    for (const name of names) {
      if (!before.some((other) => other.node.children?.byName.has(name) === true)) yield name
    }
  }
}

/** Whether a directory is placed under a name, dead or alive. */
export function hasDirectory(directory: ShownDirectory, name: string): boolean {
  return directory.members.some(({ node }) => childrenNamed(node, name).some(({ kind }) => kind === 'directory'))
}

/** The names that can make conflict copies where several directories are shown as one. */
function sharedNames(directory: ShownDirectory): Set<string> {
  const names = new Set<string>()
  const bySize = [...directory.members].sort((a, b) => childCount(b) - childCount(a))
  for (const [position, { node }] of bySize.entries()) {
    for (const name of node.children?.contested ?? []) names.add(name)
    if (position === 0) continue
    for (const name of node.children?.byName.keys() ?? []) {
      const isShared = bySize.some((other) => other.node !== node && other.node.children?.at(name) !== undefined)
      if (isShared) names.add(name)
    }
  }
  return names
}

function childCount(member: Member): number {
  return member.node.children?.byName.size ?? 0
}

/** The one node under a name, where there is one and it is a leaf: nearly always. */
function singleLeaf(directory: ShownDirectory, name: string): Member | undefined {
  let found: Member | undefined
  for (const { node, deletions } of directory.members) {
    const child = node.children?.at(name)
    if (child === undefined) continue
    if (found !== undefined || Array.isArray(child) || child.kind === 'directory') return undefined
    found = { node: child, deletions }
  }
  return found
}

function leaf(
  parent: ShownDirectory,
  name: string,
  node: NodeState,
  group: VersionGroup,
  duplicates: readonly Duplicate[],
): ShownLeaf {
  const { shown: version, same } = group
  return { kind: 'leaf', name, parent, node, version, same, duplicates, copyOf: undefined, conflictOf: undefined }
}

function losersOf(name: string, node: NodeState, versions: readonly VersionGroup[]): Loser[] {
  const [group, ...rest] = versions
  if (group === undefined) return []
  const first: Loser = { name, node, group, copyOf: undefined }
  return [first, ...rest.map((other) => ({ name, node, group: other, copyOf: first }))]
}

function isShown(entry: Loser | ShownLeaf): entry is ShownLeaf {
  return 'kind' in entry
}

function compareMembers(a: Member, b: Member): number {
  return Number(isAlive(b)) - Number(isAlive(a)) || comparePlacements(a.node, b.node)
}

function comparePlacements(a: NodeState, b: NodeState): number {
  return compareEvents(a.placement as Placement, b.placement as Placement) || compareText(a.id, b.id)
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
