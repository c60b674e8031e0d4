import type { MetadataStore, NodeId, TreeEntry, VolumeHandle } from '@dittofs/interface'
import { formatHandle, type HandleParts, parseHandle } from './handle-codec.ts'

/** Handles followed; the oldest are forgotten. */
const MAX_FOLLOWED = 10_000

/**
 * Between handles and what the space shows: the main entry of a node has the node's ID for a handle, a conflict copy that
 * and its version.
 *
 * Where a write made a conflict copy, the handle it came by goes on with the writer's own bytes, though another version is
 * the main one now: else what is written next would end up in bytes of somebody else. The main entry has a handle with a
 * version then.
 */
export class EntryFinder {
  readonly #metadata: MetadataStore
  readonly #followed = new Map<VolumeHandle, HandleParts>()
  /** The same the other way round, by the handle that the parts would have. */
  readonly #followers = new Map<VolumeHandle, VolumeHandle>()

  /** Of files that were shown as one, those that ended with a change, by the one that lives on. */
  readonly #survivors = new Map<NodeId, NodeId>()

  constructor(metadata: MetadataStore) {
    this.#metadata = metadata
  }

  /** What a handle names now; `undefined` where that is gone, or nothing ever was. */
  find(handle: VolumeHandle): TreeEntry | undefined {
    const followed = this.#followed.get(handle)
    if (followed !== undefined) {
      const entry = this.#shown(followed)
      if (entry !== undefined) return entry
      this.#forget(handle)
    }
    const parts = parseHandle(handle)
    return parts === undefined ? undefined : this.#shown(parts)
  }

  handleOf(entry: TreeEntry): VolumeHandle {
    const { node, version } = entry
    const plain = formatHandle({ node, version: undefined })
    if (entry.kind === 'directory' || version === undefined) return plain
    const exact = formatHandle({ node, version })
    const follower = this.#followers.get(exact)
    if (follower !== undefined && this.find(follower)?.path === entry.path) return follower
    const isMain = entry.conflictOf === undefined || this.#metadata.find(node)?.path === entry.path
    if (!isMain) return exact
    return this.#followed.has(plain) && this.find(plain)?.path !== entry.path ? exact : plain
  }

  /** What `handle` named, shown as `before`, is shown as `entry` after a change by that handle. */
  follow(handle: VolumeHandle, before: TreeEntry, entry: TreeEntry): void {
    this.#forget(handle)
    for (const node of before.nodes ?? []) if (node !== entry.node) this.#survive(node, entry.node)
    if (this.handleOf(entry) === handle) return
    const parts = { node: entry.node, version: entry.version }
    this.#followed.set(handle, parts)
    this.#followers.set(formatHandle(parts), handle)
    if (this.#followed.size <= MAX_FOLLOWED) return
    for (const oldest of this.#followed.keys()) {
      this.#forget(oldest)
      break
    }
  }

  #survive(node: NodeId, survivor: NodeId): void {
    this.#survivors.set(node, survivor)
    if (this.#survivors.size <= MAX_FOLLOWED) return
    for (const oldest of this.#survivors.keys()) {
      this.#survivors.delete(oldest)
      break
    }
  }

  #forget(handle: VolumeHandle): void {
    const parts = this.#followed.get(handle)
    if (parts === undefined) return
    this.#followed.delete(handle)
    this.#followers.delete(formatHandle(parts))
  }

  #shown({ node, version }: HandleParts): TreeEntry | undefined {
    const entry = this.#metadata.find(node, version)
    const survivor = entry === undefined ? this.#survivors.get(node) : undefined
    if (survivor !== undefined) return this.#metadata.find(survivor)
    if (entry === undefined || version === undefined || entry.version === version) return entry
    // The version is shown no more, or by an entry of equal bytes: that one is it only where it is a copy as well.
    const isCopy = entry.kind !== 'directory' && this.#metadata.find(node)?.path !== entry.path
    return isCopy ? entry : undefined
  }
}
