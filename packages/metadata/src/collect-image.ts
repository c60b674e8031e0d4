import type { NodeId } from '@dittofs/interface'
import { ledgerOf } from './directory-ledger.ts'
import { evaluatedDirectories } from './evaluated-directories.ts'
import type { Writer } from './event.ts'
import type { IndexImage, LogImage, SummaryImage } from './index-image.ts'
import type { NodeState } from './node-state.ts'
import type { SpaceReplica } from './space-replica.ts'
import { textHash } from './text-hash.ts'
import {
  bucketOfName,
  type LeafRows,
  type LogPosition,
  type UnreadChildren,
  type UnreadLeaves,
} from './unread-leaves.ts'

/** Nodes looked at in one step: about a millisecond. */
const NODES_PER_STEP = 1000
/** Leaves in a bucket, about: all are read to find one. */
const BUCKET_LEAVES = 64
const BUCKETS_PER_STEP = 16
/** Hashes sorted in one step. */
const SORTED_PARTS = 256
const MAX_CLOCK = 2 ** 32 - 1
const MAX_LOGS = 2 ** 16

/**
 * Makes the image of a replica whose totals are up to date. The replica must not change meanwhile.
 *
 * @param seed - 32 random bits, for an image that is the first
 * @returns `undefined` for a space that no image is made of
 */
export function* collectImage(replica: SpaceReplica, seed: number): Generator<void, IndexImage | undefined> {
  const { document, index, view } = replica
  const logAt = new Map<Writer, number>()
  for (const writer of document.stateVector().keys()) logAt.set(writer, logAt.size)
  if (logAt.size >= MAX_LOGS) return undefined
  const rows = new RowWriter(logAt, index.unread?.rows.seed ?? seed)
  const directories: { id: NodeId; bucketCount: number }[] = []
  let count = 0
  for (const directory of [index.root, ...index.directories]) {
    // As it is now: what somebody reads between two steps is not counted a second time.
    const unread = unreadBuckets(directory.children?.unread)
    const leaves: NodeState[] = []
    for (const child of directory.children?.read.values() ?? []) {
      if (!Array.isArray(child) && isSimple(child, directory)) leaves.push(child)
      count += 1
      if (count % NODES_PER_STEP === 0) yield
    }
    const bucketCount = yield* rows.addDirectory(leaves, unread)
    if (bucketCount > 0) directories.push({ id: directory.id, bucketCount })
  }
  const eager = new Map<Writer, number[]>([...logAt.keys()].map((writer) => [writer, [0]]))
  for (const node of index.readNodes()) {
    count += 1
    if (count % NODES_PER_STEP === 0) yield
    if (node === index.root || isSimple(node, parentOf(replica, node))) continue
    for (const { writer, clock } of [...node.states, ...node.deletions]) eager.get(writer)?.push(clock)
  }
  const logs: LogImage[] = []
  for (const writer of logAt.keys()) {
    const clocks = Float64Array.from(eager.get(writer) ?? [])
    yield
    logs.push({
      writer,
      clock: document.clockOf(writer),
      held: index.held().get(writer),
      sums: replica.logSums(writer),
      deleted: document.deletedRanges(writer),
      eager: [...clocks.sort()],
    })
    yield
  }
  const summaries: SummaryImage[] = []
  yield* evaluatedDirectories(view, ({ members }) => {
    const node = (members[0] as (typeof members)[number]).node.id
    summaries.push({ node, memberCount: members.length, summary: keptSummary(members) })
  })
  return { logs, ignoredEntries: index.ignoredEntries, leaves: yield* rows.finish(), directories, summaries }
}

function keptSummary(members: Parameters<typeof ledgerOf>[0]): SummaryImage['summary'] {
  const summary = ledgerOf(members)?.current
  // What differs in case only is not part of the image: it is counted again.
  return summary === undefined || summary.caseClashes().length > 0 ? undefined : summary
}

function parentOf({ index }: SpaceReplica, node: NodeState): NodeState | undefined {
  return node.placement === undefined ? undefined : index.nodes.get(node.placement.parent)
}

/** The buckets of a directory that were not read; `undefined` where all were. */
interface UnreadBuckets {
  readonly leaves: UnreadLeaves
  readonly firstBucket: number
  /** For each bucket whether it was not. */
  readonly isUnread: readonly boolean[]
}

function unreadBuckets(unread: UnreadChildren | undefined): UnreadBuckets | undefined {
  if (unread === undefined) return undefined
  const { leaves, firstBucket, bucketCount } = unread
  const isUnread = Array.from({ length: bucketCount }, (_, at) => !leaves.isRead(firstBucket + at))
  return { leaves, firstBucket, isUnread }
}

/** Whether one entry says all there is to say of a leaf, and nothing else stands under its name. */
function isSimple(node: NodeState, parent: NodeState | undefined): boolean {
  if (node.kind === 'directory' || node.isWaiting || node.deletions.length > 0) return false
  const slot = node.onlyState
  if (slot?.placement === undefined || slot.version === undefined || slot.clock > MAX_CLOCK) return false
  return parent?.children?.read.get(slot.placement.name) === node
}

/** Writes the rows of leaves, directory after directory. */
class RowWriter {
  readonly #logAt: ReadonlyMap<Writer, number>
  readonly #seed: number
  readonly #logs: number[] = []
  readonly #clocks: number[] = []
  readonly #hashes: number[] = []
  readonly #bucketEnds: number[] = []
  #unreadHashes: Uint32Array | undefined

  constructor(logAt: ReadonlyMap<Writer, number>, seed: number) {
    this.#logAt = logAt
    this.#seed = seed
  }

  /** @returns the buckets it takes, a power of two or none */
  *addDirectory(leaves: readonly NodeState[], unread: UnreadBuckets | undefined): Generator<void, number> {
    if (leaves.length === 0 && unread === undefined) return 0
    // The names of what was not read are not known: it stays in its bucket.
    const bucketCount = unread?.isUnread.length ?? 2 ** Math.ceil(Math.log2(Math.max(1, leaves.length / BUCKET_LEAVES)))
    const buckets: NodeState[][] = Array.from({ length: bucketCount }, () => [])
    for (const [at, leaf] of leaves.entries()) {
      buckets[bucketOfName(nameOf(leaf), this.#seed, bucketCount)]?.push(leaf)
      if ((at + 1) % NODES_PER_STEP === 0) yield
    }
    for (const [number, bucket] of buckets.entries()) {
      if (unread?.isUnread[number] === true) yield* this.#copy(unread.leaves, unread.firstBucket + number)
      else for (const leaf of bucket) this.#add(leaf.states[0] as LogPosition, textHash(leaf.id, this.#seed))
      this.#bucketEnds.push(this.#clocks.length)
      if ((number + 1) % BUCKETS_PER_STEP === 0) yield
    }
    return bucketCount
  }

  *finish(): Generator<void, LeafRows> {
    const count = this.#clocks.length
    const parts: number[][] = Array.from({ length: SORTED_PARTS }, () => [])
    for (let row = 0; row < count; row += 1) {
      parts[(this.#hashes[row] as number) >>> 24]?.push(row)
      if ((row + 1) % (NODES_PER_STEP * 10) === 0) yield
    }
    const hashes = new Uint32Array(count)
    const rows = new Uint32Array(count)
    let at = 0
    for (const part of parts) {
      part.sort((a, b) => (this.#hashes[a] as number) - (this.#hashes[b] as number))
      for (const row of part) {
        hashes[at] = this.#hashes[row] as number
        rows[at] = row
        at += 1
      }
      yield
    }
    return {
      logs: [...this.#logAt.keys()],
      logAt: new Uint16Array(this.#logs),
      clocks: new Uint32Array(this.#clocks),
      hashes,
      rows,
      bucketEnds: new Uint32Array(this.#bucketEnds),
      seed: this.#seed,
    }
  }

  *#copy(leaves: UnreadLeaves, bucket: number): Generator<void, void> {
    if (this.#unreadHashes === undefined) {
      const { hashes, rows } = leaves.rows
      this.#unreadHashes = new Uint32Array(rows.length)
      for (const [at, row] of rows.entries()) {
        this.#unreadHashes[row] = hashes[at] as number
        if ((at + 1) % (NODES_PER_STEP * 10) === 0) yield
      }
    }
    const [start, end] = leaves.range(bucket)
    for (let row = start; row < end; row += 1) this.#add(leaves.position(row), this.#unreadHashes[row] as number)
  }

  #add({ writer, clock }: LogPosition, hash: number): void {
    this.#logs.push(this.#logAt.get(writer) as number)
    this.#clocks.push(clock)
    this.#hashes.push(hash)
  }
}

function nameOf(leaf: NodeState): string {
  return leaf.onlyState?.placement?.name ?? ''
}
