import { endianness } from 'node:os'
import type { NodeId } from '@dittofs/interface'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { Writer } from './event.ts'
import { kindOfNode, NODE_ID_BYTES, nodeIdBytes, nodeIdFromBytes, ROOT_ID } from './node-id.ts'
import type { ClockRange } from './space-document.ts'
import { TreeTotals } from './tree-totals.ts'
import type { LeafRows } from './unread-leaves.ts'

/** Changes with whatever the image means, also with what is counted of a tree. */
const IMAGE_FORMAT = 1
const LANES = 8
/** Things read or written in one step: about a millisecond. */
const PER_STEP = 1000
/** Bytes of a tree are counted exactly, however many they are: in two numbers. */
const BYTES_UNIT = 2n ** 48n

/** One log, as far as the image goes. */
export interface LogImage {
  readonly writer: Writer
  /** The clock behind the last entry that the image counts in. */
  readonly clock: number
  /** The highest time in it. */
  readonly held: number | undefined
  /** The sum of the hashes of its entries. */
  readonly sums: Uint32Array | undefined
  /** Entries that newer ones replaced. */
  readonly deleted: readonly ClockRange[]
  /** Entries that are read at the start, in order: those of directories, and of leaves that are not simple. */
  readonly eager: readonly number[]
}

/** The totals of one directory, or of several that show as one. */
export interface SummaryImage {
  /** The first of them. */
  readonly node: NodeId
  readonly memberCount: number
  /** `undefined` where they are counted when somebody asks. */
  readonly summary: { readonly totals: TreeTotals; readonly isEmpty: boolean } | undefined
}

/**
 * What the entries of a space come to, as far as it takes long to find out, in a form that is read in one go. It says
 * nothing that the entries do not say: a store without it, or with one that does not fit, reads all entries.
 */
export interface IndexImage {
  readonly logs: readonly LogImage[]
  readonly ignoredEntries: number
  /** Leaves that are not read at the start. */
  readonly leaves: LeafRows
  readonly directories: readonly { readonly id: NodeId; readonly bucketCount: number }[]
  /** In the order of `evaluatedDirectories`. */
  readonly summaries: readonly SummaryImage[]
}

/** The image as blocks of bytes; the first tells how to read the others, which are as this machine holds numbers. */
export function* encodeImage(image: IndexImage): Generator<void, Uint8Array[]> {
  const writer = new ByteWriter(64 * 1024)
  writer.varUint(IMAGE_FORMAT)
  writer.text(endianness())
  writer.varUint(image.ignoredEntries)
  writer.varUint(image.leaves.seed)
  writer.varUint(image.logs.length)
  for (const log of image.logs) yield* writeLog(writer, log)
  writer.varUint(image.directories.length)
  for (const [at, { id, bucketCount }] of image.directories.entries()) {
    writeDirectoryId(writer, id)
    writer.varUint(bucketCount)
    if (at % PER_STEP === 0) yield
  }
  writer.varUint(image.summaries.length)
  for (const [at, summary] of image.summaries.entries()) {
    writeSummary(writer, summary)
    if (at % PER_STEP === 0) yield
  }
  const { logAt, clocks, hashes, rows, bucketEnds } = image.leaves
  return [writer.finish(), ...[logAt, clocks, hashes, rows, bucketEnds].map(bytesOf)]
}

/** @returns `undefined` for blocks that {@link encodeImage} of this version, on such a machine, did not make */
export function* decodeImage(blocks: readonly Uint8Array[]): Generator<void, IndexImage | undefined> {
  try {
    return yield* readImage(blocks)
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

function* readImage(blocks: readonly Uint8Array[]): Generator<void, IndexImage> {
  const [head, ...columns] = blocks
  if (head === undefined || columns.length !== 5) throw new MalformedBytes('another number of blocks')
  const reader = new ByteReader(head)
  if (reader.varUint() !== IMAGE_FORMAT) throw new MalformedBytes('another format')
  if (reader.text(2) !== endianness()) throw new MalformedBytes('another machine')
  const ignoredEntries = reader.varUint()
  const seed = reader.varUint()
  const logs: LogImage[] = []
  for (let left = reader.varUint(); left > 0; left -= 1) logs.push(yield* readLog(reader))
  const directories: { id: NodeId; bucketCount: number }[] = []
  for (let left = reader.varUint(); left > 0; left -= 1) {
    directories.push({ id: readDirectoryId(reader), bucketCount: reader.varUint() })
    if (left % PER_STEP === 0) yield
  }
  const summaries: SummaryImage[] = []
  for (let left = reader.varUint(); left > 0; left -= 1) {
    summaries.push(readSummary(reader))
    if (left % PER_STEP === 0) yield
  }
  if (!reader.isAtEnd) throw new MalformedBytes('bytes are left over')
  const [logAt, clocks, hashes, rows, bucketEnds] = columns as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const leaves: LeafRows = {
    logs: logs.map(({ writer }) => writer),
    logAt: new Uint16Array(logAt.buffer, logAt.byteOffset, logAt.byteLength / 2),
    clocks: numbersOf(clocks),
    hashes: numbersOf(hashes),
    rows: numbersOf(rows),
    bucketEnds: numbersOf(bucketEnds),
    seed,
  }
  return { logs, ignoredEntries, leaves, directories, summaries }
}

function* writeLog(writer: ByteWriter, log: LogImage): Generator<void, void> {
  writer.varUint(log.writer)
  writer.varUint(log.clock)
  writer.varUint(log.held === undefined ? 0 : log.held + 1)
  writer.byte(log.sums === undefined ? 0 : 1)
  for (const sum of log.sums ?? []) writer.varUint(sum)
  writer.varUint(log.deleted.length)
  let last = 0
  for (const [at, { start, end }] of log.deleted.entries()) {
    writer.varUint(start - last)
    writer.varUint(end - start)
    last = end
    if (at % PER_STEP === 0) yield
  }
  writer.varUint(log.eager.length)
  last = 0
  for (const [at, clock] of log.eager.entries()) {
    writer.varUint(clock - last)
    last = clock
    if (at % PER_STEP === 0) yield
  }
}

function* readLog(reader: ByteReader): Generator<void, LogImage> {
  const writer = reader.varUint()
  const clock = reader.varUint()
  const held = reader.varUint()
  const sums = reader.byte() === 0 ? undefined : Uint32Array.from({ length: LANES }, () => reader.varUint())
  const deleted: ClockRange[] = []
  let last = 0
  for (let left = reader.varUint(); left > 0; left -= 1) {
    const start = last + reader.varUint()
    last = start + reader.varUint()
    deleted.push({ start, end: last })
    if (left % PER_STEP === 0) yield
  }
  const eager: number[] = []
  last = 0
  for (let left = reader.varUint(); left > 0; left -= 1) {
    last += reader.varUint()
    eager.push(last)
    if (left % PER_STEP === 0) yield
  }
  return { writer, clock, held: held === 0 ? undefined : held - 1, sums, deleted, eager }
}

function writeSummary(writer: ByteWriter, { node, memberCount, summary }: SummaryImage): void {
  writeDirectoryId(writer, node)
  writer.varUint(memberCount)
  writer.byte(summary === undefined ? 0 : summary.isEmpty ? 2 : 1)
  if (summary === undefined) return
  const { files, directories, symlinks, bytes, conflicts, clashes, hashes } = summary.totals
  for (const count of [files, directories, symlinks, conflicts, clashes, ...hashes]) writer.varUint(count)
  writer.varUint(Number(bytes / BYTES_UNIT))
  writer.varUint(Number(bytes % BYTES_UNIT))
}

function readSummary(reader: ByteReader): SummaryImage {
  const node = readDirectoryId(reader)
  const memberCount = reader.varUint()
  const mark = reader.byte()
  if (mark === 0) return { node, memberCount, summary: undefined }
  const totals = new TreeTotals()
  totals.files = reader.varUint()
  totals.directories = reader.varUint()
  totals.symlinks = reader.varUint()
  totals.conflicts = reader.varUint()
  totals.clashes = reader.varUint()
  totals.hashes[0] = reader.varUint()
  totals.hashes[1] = reader.varUint()
  totals.bytes = BigInt(reader.varUint()) * BYTES_UNIT + BigInt(reader.varUint())
  return { node, memberCount, summary: { totals, isEmpty: mark === 2 } }
}

function writeDirectoryId(writer: ByteWriter, id: NodeId): void {
  writer.byte(id === ROOT_ID ? 0 : 1)
  if (id === ROOT_ID) return
  if (kindOfNode(id) !== 'directory') throw new TypeError('only directories have children')
  writer.raw(nodeIdBytes(id))
}

function readDirectoryId(reader: ByteReader): NodeId {
  return reader.byte() === 0 ? ROOT_ID : nodeIdFromBytes('directory', reader.take(NODE_ID_BYTES))
}

function bytesOf(numbers: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}

/** @param bytes - in memory of their own, so that they begin where numbers may */
function numbersOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}
