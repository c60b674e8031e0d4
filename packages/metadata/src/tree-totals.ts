import { kindOfNode } from './node-id.ts'
import type { NodeState } from './node-state.ts'
import type { ShownDirectory } from './shown-tree.ts'
import type { CountedLeaf } from './state-slot.ts'

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

  /** @param parent - the first directory node of those it is shown in */
  addLeaf(parent: NodeState, leaf: CountedLeaf): void {
    this.#changeLeaf(parent, leaf, 1)
  }

  removeLeaf(parent: NodeState, leaf: CountedLeaf): void {
    this.#changeLeaf(parent, leaf, -1)
  }

  #changeLeaf(parent: NodeState, { name, node, version }: CountedLeaf, sign: 1 | -1): void {
    if (kindOfNode(node) === 'file') this.files += sign
    else this.symlinks += sign
    this.bytes += BigInt(sign * version.size)
    this.#changeHashes(`${parent.id}/${name}/${node}/${version.writer}:${version.t}`, sign)
  }

  /** Counts the hashes of a text in. */
  addHashes(text: string): void {
    this.#changeHashes(text, 1)
  }

  #changeHashes(text: string, sign: 1 | -1): void {
    let low = 0x811c9dc5
    let high = 0x9747b28c
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code, 0x5bd1e995) + (high >>> 15)
    }
    this.hashes[0] = (this.hashes[0] + sign * low) >>> 0
    this.hashes[1] = (this.hashes[1] + sign * high) >>> 0
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

/** A directory and all below it. */
export function directoryTotals(parent: NodeState, entry: ShownDirectory, below: TreeTotals): TreeTotals {
  const totals = new TreeTotals()
  totals.directories = 1
  totals.addHashes(`${parent.id}/${entry.name}/${entry.members.map(({ node }) => node.id).join()}`)
  totals.add(below)
  return totals
}
