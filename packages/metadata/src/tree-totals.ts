import type { NodeState, Version } from './node-state.ts'
import type { ShownDirectory } from './shown-tree.ts'

/** Sums over what is shown. They can be taken away again, so bytes are counted exactly, however many they are. */
export class TreeTotals {
  files = 0
  directories = 0
  symlinks = 0
  bytes = 0n
  conflicts = 0
  /** Directories, at any depth, that show names which differ in case only. */
  clashes = 0
  /** Two sums over a hash of each entry: equal where the same is shown. */
  readonly hashes: [number, number] = [0, 0]

  add(other: TreeTotals): void {
    this.#change(other, 1)
  }

  remove(other: TreeTotals): void {
    this.#change(other, -1)
  }

  #change(other: TreeTotals, sign: 1 | -1): void {
    this.files += sign * other.files
    this.directories += sign * other.directories
    this.symlinks += sign * other.symlinks
    this.bytes += sign === 1 ? other.bytes : -other.bytes
    this.conflicts += sign * other.conflicts
    this.clashes += sign * other.clashes
    this.hashes[0] = (this.hashes[0] + sign * other.hashes[0]) >>> 0
    this.hashes[1] = (this.hashes[1] + sign * other.hashes[1]) >>> 0
  }
}

/** What a shown version of a leaf counts for. */
export interface CountedLeaf {
  /** As shown. */
  readonly name: string
  readonly node: NodeState
  readonly version: Version
}

/** @param parent - the first directory node of those it is shown in */
export function leafTotals(parent: NodeState, { name, node, version }: CountedLeaf): TreeTotals {
  const totals = new TreeTotals()
  if (node.kind === 'file') totals.files = 1
  else totals.symlinks = 1
  totals.bytes = BigInt(version.size)
  hashInto(totals.hashes, `${parent.id}/${name}/${node.id}/${version.writer}:${version.t}`)
  return totals
}

/** A directory and all below it. */
export function directoryTotals(parent: NodeState, entry: ShownDirectory, below: TreeTotals): TreeTotals {
  const totals = new TreeTotals()
  totals.directories = 1
  hashInto(totals.hashes, `${parent.id}/${entry.name}/${entry.members.map(({ node }) => node.id).join()}`)
  totals.add(below)
  return totals
}

function hashInto(hashes: [number, number], text: string): void {
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x5bd1e995) + (high >>> 15)
  }
  hashes[0] = low >>> 0
  hashes[1] = high >>> 0
}
