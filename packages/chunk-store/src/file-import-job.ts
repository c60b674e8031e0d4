import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { MAX_CHUNK_BYTES } from '@dittofs/interface'
import type { Blake3 } from './blake3.ts'
import { BoundaryGuess } from './boundary-guess.ts'
import { type FindChunkEnd, findChunkEnd } from './chunker.ts'
import { isUnchanged, systemFault } from './file-fault.ts'
import type { SegmentBuffers } from './segment-buffers.ts'
import { type FileJob, SEGMENT_BYTES, type Segment } from './worker-messages.ts'

/** A file that long is worth a worker of its own: what waits behind it is handed back. */
const LARGE_FILE_BYTES = 4n * BigInt(SEGMENT_BYTES)

export interface FileImportJobInit {
  blake3: Blake3
  buffers: SegmentBuffers
  files: readonly FileJob[]
  onSegment: (segment: Segment) => void
}

/**
 * Reads, cuts and hashes files one after the other, in a worker thread, through a fixed number of buffers. Small
 * files share a buffer.
 */
export class FileImportJob {
  readonly #init: FileImportJobInit
  readonly #skipped = new Set<number>()

  /** The buffer that is filled, and which it is. */
  #buffer!: Buffer
  #nth = 0
  /** Bytes from `#start` to `#end` are read and not cut yet. */
  #start = 0
  #end = 0
  #chunks: number[] = []
  #digests: Uint8Array[] = []
  #ended: Segment['ended'][number][] = []
  /** Of the file that is read. */
  #findEnd!: FindChunkEnd
  #guess: BoundaryGuess | undefined

  constructor(init: FileImportJobInit) {
    this.#init = init
  }

  skip(file: number): void {
    this.#skipped.add(file)
  }

  /** @returns the index from which on files were not begun */
  async run(): Promise<number> {
    this.#take(await this.#init.buffers.acquire())
    try {
      return await this.#importFiles()
    } catch (error) {
      // The buffers outlive this import: one that nobody gives back would be missing in all later ones.
      this.#init.buffers.release(this.#nth)
      throw error
    }
  }

  async #importFiles(): Promise<number> {
    const { files } = this.#init
    for (let index = 0; index < files.length; index++) {
      const isBegun = await this.#importFile(index, files[index] as FileJob)
      if (!isBegun) {
        await this.#send(false)
        return index
      }
    }
    await this.#send(false)
    return files.length
  }

  async #importFile(index: number, file: FileJob): Promise<boolean> {
    if (this.#skipped.has(index)) {
      this.#ended.push({ file: index, size: 0, fault: { kind: 'skipped' } })
      return true
    }
    let descriptor: number
    try {
      // Not through a symlink, and not waiting for the writer of a FIFO, which may never come.
      descriptor = openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (error) {
      this.#ended.push({ file: index, size: 0, fault: systemFault(error) })
      return true
    }
    try {
      const before = fstatSync(descriptor, { bigint: true })
      if (index > 0 && before.size >= LARGE_FILE_BYTES) return false
      if (!before.isFile()) this.#ended.push({ file: index, size: 0, fault: { kind: 'irregular' } })
      else await this.#readFile(index, file, descriptor, before)
    } catch (error) {
      this.#start = this.#end
      this.#ended.push({ file: index, size: 0, fault: systemFault(error) })
    } finally {
      closeSync(descriptor)
    }
    return true
  }

  async #readFile(index: number, file: FileJob, descriptor: number, before: BigIntStats): Promise<void> {
    this.#findEnd = findChunkEnd(file.chunker, this.#init.buffers.findFastCdcEnd)
    this.#guess = file.expected === undefined ? undefined : new BoundaryGuess(file.expected)
    const size = Number(before.size)
    let read = 0
    while (read < size) {
      if (
        this.#buffer.length - this.#end === 0 ||
        (this.#end - this.#start < MAX_CHUNK_BYTES && this.#isShort(size - read))
      ) {
        await this.#send(true)
        if (this.#skipped.has(index)) {
          this.#start = this.#end
          this.#ended.push({ file: index, size: read, fault: { kind: 'skipped' } })
          return
        }
      }
      const room = Math.min(this.#buffer.length - this.#end, size - read)
      const got = readSync(descriptor, this.#buffer, this.#end, room, null)
      if (got === 0) break
      read += got
      this.#end += got
      this.#cut(index, read === size)
    }
    const isSame = read === size && isUnchanged(before, fstatSync(descriptor, { bigint: true }))
    this.#start = this.#end
    this.#ended.push(isSame ? { file: index, size } : { file: index, size, fault: { kind: 'changed' } })
  }

  /** Whether the buffer has too little room left to be worth another read of a file with so many bytes to come. */
  #isShort(remaining: number): boolean {
    return this.#buffer.length - this.#end < Math.min(remaining, MAX_CHUNK_BYTES)
  }

  #cut(index: number, isEnd: boolean): void {
    while (this.#end - this.#start >= MAX_CHUNK_BYTES || (isEnd && this.#start < this.#end)) {
      const { length, digest } = this.#guessChunk(isEnd) ?? this.#findChunk()
      this.#chunks.push(index, this.#start, length)
      this.#digests.push(digest)
      this.#start += length
    }
  }

  #guessChunk(isEnd: boolean): { length: number; digest: Uint8Array } | undefined {
    const length = this.#guess?.length(this.#end - this.#start, isEnd)
    if (length === undefined) return undefined
    const digest = this.#hash(length)
    return this.#guess?.confirm(digest) === true ? { length, digest } : undefined
  }

  #findChunk(): { length: number; digest: Uint8Array } {
    const length = this.#findEnd(this.#buffer, this.#start, this.#end) - this.#start
    const digest = this.#hash(length)
    this.#guess?.follow(digest)
    return { length, digest }
  }

  #hash(length: number): Uint8Array {
    return this.#init.blake3.hash(this.#buffer.subarray(this.#start, this.#start + length))
  }

  /** Hands the buffer over and goes on in another, to which the bytes not cut yet move. */
  async #send(goesOn: boolean): Promise<void> {
    // Messages are read between macrotasks: hash jobs of others and releases must not wait for the whole import.
    await setImmediate()
    const next = goesOn ? await this.#init.buffers.acquire() : undefined
    const rest = this.#buffer.subarray(this.#start, this.#end)
    // Moved before the buffer is handed over: from then on it is not this thread's.
    next?.bytes.set(rest)
    this.#init.onSegment({
      buffer: this.#nth,
      bytes: this.#buffer,
      chunks: Uint32Array.from(this.#chunks),
      digests: Buffer.concat(this.#digests),
      ended: this.#ended,
    })
    this.#chunks = []
    this.#digests = []
    this.#ended = []
    if (next === undefined) return
    this.#take(next)
    this.#start = 0
    this.#end = rest.length
  }

  #take({ nth, bytes }: { readonly nth: number; readonly bytes: Buffer }): void {
    this.#nth = nth
    this.#buffer = bytes
  }
}
