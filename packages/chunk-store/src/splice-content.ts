import { setImmediate } from 'node:timers/promises'
import {
  type AbortOptions,
  type ByteRange,
  type Chunk,
  type ChunkRef,
  type ChunkStore,
  type ContentEdit,
  DittoError,
  type ImportResult,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_MANIFEST_NODE_ENTRIES,
  type SpaceId,
  type SpliceContent,
  type SpliceOptions,
} from '@dittofs/interface'
import { type BaseLeaf, baseLeaves } from './base-leaves.ts'
import { type Blake3, chunkIdOf, loadBlake3 } from './blake3.ts'
import { findChunkEnd } from './chunker.ts'
import { EditedBytes, editedPieces } from './edited-bytes.ts'
import { ManifestBuilder } from './manifest-builder.ts'
import { readManifest } from './read-manifest.ts'

/** Changed bytes in a row from which on the store's workers cut and hash them, not this thread. */
const BULK_BYTES = 8 * 1024 * 1024
/** New chunks put into the store at a time. */
const PUT_BYTES = 2 * 1024 * 1024
/** Chunks named again and again between two turns of the event loop: a millisecond or two. */
const REFS_PER_TURN = 4096

let loaded: Blake3 | undefined

/** See {@link SpliceContent}. */
export const spliceContent: SpliceContent = async (store, space, base, edit, options = {}) => {
  options.signal?.throwIfAborted()
  if (!Number.isSafeInteger(edit.size) || edit.size < 0 || edit.size > MAX_FILE_BYTES) {
    throw new DittoError('DITTO_LIMIT', `A file has 0 to ${MAX_FILE_BYTES} bytes, not ${edit.size}.`)
  }
  loaded ??= loadBlake3()
  const splice = new Splice({ store, space, edit, options, blake3: loaded, baseSize: base.size })
  for await (const leaf of baseLeaves({ store, space, options }, base)) {
    if (splice.isDone) break
    await splice.pass(leaf)
  }
  return splice.finish()
}

interface SpliceInit {
  readonly store: ChunkStore
  readonly space: SpaceId
  readonly edit: ContentEdit
  readonly options: SpliceOptions
  readonly blake3: Blake3
  readonly baseSize: number
}

/**
 * A manifest in the making: chunks of the base as long as nothing of them changed, and new ones from the last boundary
 * before a change on, until one of them ends where a chunk of the base did.
 *
 * That makes the cuts of an import of all bytes, for where a chunk ends depends on nothing but the bytes from its start to
 * there; but for the base's last chunk, which the end of the file cut.
 */
class Splice {
  readonly #init: SpliceInit
  readonly #signal: AbortOptions
  readonly #manifest: ManifestBuilder
  readonly #bytes: EditedBytes
  readonly #findEnd: ReturnType<typeof findChunkEnd>
  #pending: Chunk[] = []
  #pendingBytes = 0
  #newChunks = 0
  #newBytes = 0
  #nextEdit = 0
  #nextZeros = 0
  #zeroChunk: ChunkRef | undefined
  #refsInTurn = 0

  constructor(init: SpliceInit) {
    this.#init = init
    this.#signal = init.options.signal === undefined ? {} : { signal: init.options.signal }
    this.#manifest = new ManifestBuilder((node) => chunkIdOf(init.blake3, node))
    this.#bytes = new EditedBytes(init.edit, this.#signal)
    this.#findEnd = findChunkEnd(init.options.chunker ?? 'fastcdc')
  }

  get isDone(): boolean {
    return this.#manifest.size === this.#init.edit.size
  }

  /** Goes on to the end of a leaf of the base, or beyond. */
  async pass(leaf: BaseLeaf): Promise<void> {
    const end = leaf.offset + leaf.bytes
    const { node } = leaf
    if (this.#manifest.size >= end) return
    const isNode = leaf.chunkCount === MAX_MANIFEST_NODE_ENTRIES || end === this.#init.edit.size
    if (node !== undefined && isNode && this.#manifest.isAtNode && this.#isKept(leaf.offset, end)) {
      this.#manifest.addNode(node, leaf.chunkCount)
      await this.#store()
      return
    }
    let offset = leaf.offset
    for (const chunk of await leaf.chunks()) {
      const chunkEnd = offset + chunk.length
      if (this.#isKept(offset, chunkEnd)) this.#manifest.add(chunk)
      else while (this.#manifest.size < chunkEnd && !this.isDone) await this.#cut(chunkEnd)
      if (this.isDone) break
      offset = chunkEnd
    }
    await this.#turn(leaf.chunkCount)
  }

  async finish(): Promise<ImportResult> {
    const { store, edit, options } = this.#init
    while (!this.isDone) await this.#cut(edit.size)
    const content = this.#manifest.finish()
    await this.#store(true)
    if (options.durability !== 'none') await store.flush()
    return { content, size: edit.size, newChunks: this.#newChunks, newBytes: this.#newBytes }
  }

  /** Whether a part of the base that begins here stands in the new content as it is, cuts and all. */
  #isKept(start: number, end: number): boolean {
    const { edit, baseSize } = this.#init
    if (this.#manifest.size !== start || end > edit.size) return false
    if (end === baseSize && edit.size > baseSize) return false
    const next = this.#editAfter(start)
    return next === undefined || next.start >= end
  }

  /** The first change that ends after an offset; offsets never go back. */
  #editAfter(offset: number): ByteRange | undefined {
    const { changed } = this.#init.edit
    while ((changed[this.#nextEdit]?.end ?? Number.POSITIVE_INFINITY) <= offset) this.#nextEdit++
    return changed[this.#nextEdit]
  }

  #zerosAfter(offset: number): ByteRange | undefined {
    const { zeros } = this.#init.edit
    while ((zeros[this.#nextZeros]?.end ?? Number.POSITIVE_INFINITY) <= offset) this.#nextZeros++
    return zeros[this.#nextZeros]
  }

  /** Adds at least one new chunk. @param likelyEnd - where the first one probably ends */
  async #cut(likelyEnd: number): Promise<void> {
    const start = this.#manifest.size
    const zeros = this.#zerosAfter(start)
    if (zeros !== undefined && zeros.start <= start && zeros.end - start >= MAX_CHUNK_BYTES) {
      await this.#addZeros(zeros.end)
      return
    }
    const change = this.#editAfter(start)
    const bulkEnd = Math.min(change?.end ?? start, zeros?.start ?? Number.POSITIVE_INFINITY)
    if (change !== undefined && change.start <= start && bulkEnd - start >= BULK_BYTES) {
      await this.#cutBulk({ start, end: bulkEnd })
      return
    }
    const { size } = this.#init.edit
    const furthest = Math.min(start + MAX_CHUNK_BYTES, size)
    // One byte more shows that the cut is there for its own sake, not for the window's.
    for (let end = Math.min(likelyEnd + 1, furthest); ; end = furthest) {
      const bytes = await this.#bytes.window({ start, end })
      const length = this.#findEnd(bytes, 0, bytes.length)
      if (length === bytes.length && end < furthest) continue
      await this.#addNew(bytes.slice(0, length))
      return
    }
  }

  /** All that the workers cut but the last chunk, which the end of what they were given cut. */
  async #cutBulk(range: ByteRange): Promise<void> {
    const { store, space, edit, options } = this.#init
    const { chunker = 'fastcdc' } = options
    const source = editedPieces(edit, range, this.#signal)
    const imported = await store.importStream(space, source, { chunker, durability: 'none', ...this.#signal })
    this.#newChunks += imported.newChunks
    this.#newBytes += imported.newBytes
    let last: ChunkRef | undefined
    for await (const step of readManifest(store, space, imported.content, imported.size, this.#signal)) {
      if (step.kind === 'missing') throw new DittoError('DITTO_IO', 'What was just stored cannot be read again.')
      for (const chunk of step.run.chunks) {
        if (last !== undefined) await this.#add(last)
        last = chunk
      }
    }
    if (range.end === edit.size && last !== undefined) await this.#add(last)
  }

  /** A run of zeros is the same chunk over and over. */
  async #addZeros(end: number): Promise<void> {
    if (this.#zeroChunk === undefined) {
      const zeros = new Uint8Array(MAX_CHUNK_BYTES)
      const length = this.#findEnd(zeros, 0, zeros.length)
      this.#zeroChunk = await this.#addNew(zeros.slice(0, length))
    }
    while (end - this.#manifest.size >= MAX_CHUNK_BYTES) await this.#add(this.#zeroChunk)
  }

  async #addNew(bytes: Uint8Array): Promise<ChunkRef> {
    const id = chunkIdOf(this.#init.blake3, bytes)
    const chunk = { id, length: bytes.length }
    this.#pending.push({ id, bytes })
    this.#pendingBytes += bytes.length
    await this.#add(chunk)
    return chunk
  }

  async #add(chunk: ChunkRef): Promise<void> {
    this.#manifest.add(chunk)
    await this.#turn(1)
  }

  async #turn(refs: number): Promise<void> {
    await this.#store()
    this.#refsInTurn += refs
    if (this.#refsInTurn < REFS_PER_TURN) return
    this.#refsInTurn = 0
    await setImmediate()
    this.#signal.signal?.throwIfAborted()
  }

  /** Puts new chunks and nodes into the store, once there are enough of them. */
  async #store(isLast = false): Promise<void> {
    for (const node of this.#manifest.takeNodes()) {
      this.#pending.push(node)
      this.#pendingBytes += node.bytes.length
    }
    if (this.#pending.length === 0 || (!isLast && this.#pendingBytes < PUT_BYTES)) return
    const { store, space } = this.#init
    const chunks = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    if (this.#init.options.isCounted !== false) await this.#count(chunks)
    const refused = await store.put(space, chunks, { durability: 'none', ...this.#signal })
    if (refused.length > 0) throw new DittoError('DITTO_INTERNAL', 'A chunk does not match the ID that was made of it.')
  }

  async #count(chunks: readonly Chunk[]): Promise<void> {
    const { store, space } = this.#init
    const held = await store.has(
      space,
      chunks.map(({ id }) => id),
    )
    for (const [index, { bytes }] of chunks.entries()) {
      if (held[index] === true) continue
      this.#newChunks++
      this.#newBytes += bytes.length
    }
  }
}
