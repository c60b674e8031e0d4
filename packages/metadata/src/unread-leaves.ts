import type { NodeId } from '@dittofs/interface'
import type { Writer } from './event.ts'
import { NodeState } from './node-state.ts'
import type { StateRecord } from './record.ts'
import { decodeRecord } from './record-codec.ts'
import { stateSlot } from './state-slot.ts'
import { textHash } from './text-hash.ts'

/**
 * Leaves that stand in the log and were not read into the index. A row is one leaf: where its one entry stands. Rows of
 * a directory follow each other, in buckets by the hash of their names.
 */
export interface LeafRows {
  readonly logs: readonly Writer[]
  /** For each row the position of its log in `logs`. */
  readonly logAt: Uint16Array
  readonly clocks: Uint32Array
  /** Hashes of the nodes' IDs, in ascending order. */
  readonly hashes: Uint32Array
  /** The rows of these hashes. */
  readonly rows: Uint32Array
  /** For each bucket the row behind its last one. */
  readonly bucketEnds: Uint32Array
  /** Drawn at random, so that nobody can choose names and IDs of one hash. */
  readonly seed: number
}

/** A leaf read from its entry. */
export interface ReadLeaf {
  readonly name: string
  readonly node: NodeState
}

/** Where in a log a row's entry stands. */
export interface LogPosition {
  readonly writer: Writer
  readonly clock: number
}

type LeafRecord = StateRecord & Required<Pick<StateRecord, 'placement' | 'version'>>

/** Gives the leaves of {@link LeafRows} to whoever asks for them, each once. */
export class UnreadLeaves {
  readonly rows: LeafRows
  readonly #entryAt: (position: LogPosition) => string | undefined
  readonly #isRead: Uint8Array
  #unreadBuckets: number

  /** @param entryAt - an entry as the document holds it */
  constructor(rows: LeafRows, entryAt: (position: LogPosition) => string | undefined) {
    this.rows = rows
    this.#entryAt = entryAt
    this.#isRead = new Uint8Array(rows.bucketEnds.length)
    this.#unreadBuckets = rows.bucketEnds.length
  }

  get isEmpty(): boolean {
    return this.#unreadBuckets === 0
  }

  isRead(bucket: number): boolean {
    return this.#isRead[bucket] === 1
  }

  /** The rows of a bucket: from the first to before the second. */
  range(bucket: number): readonly [number, number] {
    return [bucket === 0 ? 0 : (this.rows.bucketEnds[bucket - 1] as number), this.rows.bucketEnds[bucket] as number]
  }

  position(row: number): LogPosition {
    const { logs, logAt, clocks } = this.rows
    return { writer: logs[logAt[row] as number] as Writer, clock: clocks[row] as number }
  }

  /** The leaves of a bucket. What is not there as it was when the rows were written is left out. */
  *read(bucket: number, directory: NodeId): Generator<ReadLeaf> {
    this.#isRead[bucket] = 1
    this.#unreadBuckets -= 1
    const [start, end] = this.range(bucket)
    for (let row = start; row < end; row += 1) {
      const position = this.position(row)
      const text = this.#entryAt(position)
      const record = leafRecord(text)
      if (record === undefined || record.placement.parent !== directory) continue
      const node = new NodeState(record.node)
      const slot = stateSlot({ ...position, node: node.id, record, text, parent: directory })
      node.states = [slot]
      node.winner = slot.placement
      node.placement = slot.placement
      yield { name: record.placement.name, node }
    }
  }

  /** Where a leaf that was not read yet stands. */
  placeOf(id: NodeId): { readonly parent: NodeId; readonly name: string } | undefined {
    const { hashes, rows, seed } = this.rows
    const hash = textHash(id, seed)
    for (let at = firstNotBelow(hashes, hash); hashes[at] === hash; at += 1) {
      const row = rows[at] as number
      if (this.isRead(this.#bucketOf(row))) continue
      const record = leafRecord(this.#entryAt(this.position(row)))
      if (record?.node === id) return record.placement
    }
    return undefined
  }

  #bucketOf(row: number): number {
    return firstNotBelow(this.rows.bucketEnds, row + 1)
  }
}

/** The unread leaves of one directory. */
export class UnreadChildren {
  readonly leaves: UnreadLeaves
  readonly #directory: NodeId
  readonly firstBucket: number
  /** A power of two. */
  readonly bucketCount: number
  #unread: number

  constructor(leaves: UnreadLeaves, directory: NodeId, firstBucket: number, bucketCount: number) {
    this.leaves = leaves
    this.#directory = directory
    this.firstBucket = firstBucket
    this.bucketCount = bucketCount
    this.#unread = bucketCount
  }

  get isEmpty(): boolean {
    return this.#unread === 0
  }

  /** The leaves of the bucket that a name belongs to, unless they were read before. */
  readAt(name: string): Iterable<ReadLeaf> {
    return this.readBucket(bucketOfName(name, this.leaves.rows.seed, this.bucketCount))
  }

  /** @param number - counted from 0 within the directory */
  readBucket(number: number): Iterable<ReadLeaf> {
    const bucket = this.firstBucket + number
    if (this.leaves.isRead(bucket)) return []
    this.#unread -= 1
    return this.leaves.read(bucket, this.#directory)
  }
}

/** The bucket of a name in a directory of `bucketCount` buckets, a power of two. */
export function bucketOfName(name: string, seed: number, bucketCount: number): number {
  return bucketCount === 1 ? 0 : textHash(name, seed) & (bucketCount - 1)
}

function leafRecord(text: string | undefined): LeafRecord | undefined {
  const record = text === undefined ? undefined : decodeRecord(text)
  if (record?.type !== 'state' || record.placement === undefined || record.version === undefined) return undefined
  return record as LeafRecord
}

function firstNotBelow(sorted: Uint32Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
