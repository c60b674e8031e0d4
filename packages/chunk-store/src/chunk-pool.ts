import type { ChunkerKind } from '@dittofs/interface'
import type { FileJob, PartsRead, PartsToRead, Segment, SmallFilesCut } from './worker-messages.ts'

export interface Hashed {
  /** The buffer that was given, with the same bytes. */
  readonly buffer: ArrayBuffer
  /** 32 bytes for each range. */
  readonly digests: Uint8Array
}

export interface Chunked extends Hashed {
  /** Where each whole chunk ends. */
  readonly ends: Uint32Array
}

/** What an import tells while it runs. */
export interface ImportListener {
  /** Called once, in the tick of the call. */
  onStart(running: RunningImport): void
  /** Gives each segment once; its buffer must be given back by {@link RunningImport.release}. */
  onSegment(segment: Segment, running: RunningImport): void
}

export interface RunningImport {
  /** Gives a segment's buffer back. */
  release(buffer: number): void
  skip(file: number): void
}

/** Whoever hashes, cuts and reads files. Buffers given to it are its own until it answers. */
export interface ChunkPool {
  /** Imports that can run at once. */
  readonly width: number
  /** Whether another import could begin now. */
  readonly canImport: boolean
  /** Hashes parts of a buffer. @param ranges - offset and length of each */
  hash(buffer: ArrayBuffer, ranges: Uint32Array): Promise<Hashed>
  /** Cuts and hashes the beginning of content; unless `isEnd`, less than MAX_CHUNK_BYTES at the end stay uncut. */
  chunk(buffer: ArrayBuffer, length: number, isEnd: boolean, chunker: ChunkerKind): Promise<Chunked>
  /** Reads, cuts and hashes whole files of at most MAX_SMALL_FILE_BYTES. */
  cutFiles(paths: readonly string[], chunker: ChunkerKind): Promise<SmallFilesCut>
  /** Reads pieces of files and checks their hashes. @param parts - given away */
  readParts(parts: PartsToRead): Promise<PartsRead>
  /** @returns how many of the files, from the first on, were dealt with */
  importFiles(files: readonly FileJob[], listener: ImportListener): Promise<number>
  close(): Promise<void>
}
