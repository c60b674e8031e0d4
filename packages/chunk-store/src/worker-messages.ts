import type { ChunkerKind } from '@dittofs/interface'
import type { Blake3Kind } from './blake3.ts'

/** Read buffer of an import: long enough that messages and left-over ends cost little. */
export const SEGMENT_BYTES = 2 * 1024 * 1024
/** Buffers of one worker: one is filled while another is written and a third is on its way. */
export const SEGMENT_BUFFERS = 3

export interface WorkerData {
  readonly blake3: Blake3Kind | undefined
}

/** The chunks of content that a file may hold, one after the other. */
export interface ExpectedChunks {
  readonly lengths: Uint32Array
  /** 32 bytes for each. */
  readonly digests: Uint8Array
}

/** A file to import, as a worker knows it. */
export interface FileJob {
  readonly path: string
  readonly chunker: ChunkerKind
  readonly expected: ExpectedChunks | undefined
}

export type ToWorker =
  | { readonly type: 'hash'; readonly job: number; readonly buffer: ArrayBuffer; readonly ranges: Uint32Array }
  | {
      readonly type: 'chunk'
      readonly job: number
      readonly buffer: ArrayBuffer
      readonly length: number
      readonly isEnd: boolean
      readonly chunker: ChunkerKind
    }
  | { readonly type: 'import'; readonly job: number; readonly files: readonly FileJob[] }
  | { readonly type: 'cut'; readonly job: number; readonly paths: readonly string[]; readonly chunker: ChunkerKind }
  | { readonly type: 'read'; readonly job: number; readonly parts: PartsToRead }
  /** Gives a segment's buffer back. */
  | { readonly type: 'release'; readonly buffer: number }
  /** One file of an import is not wanted any more. */
  | { readonly type: 'skip'; readonly job: number; readonly file: number }

/** Why a file cannot be imported; `code` is the system's where there is one. `long`: it is no small file. */
export interface FileFault {
  readonly kind: 'system' | 'irregular' | 'changed' | 'skipped' | 'long'
  readonly code?: string
  readonly message?: string
}

/** A buffer with whole chunks of one or more files. */
export interface Segment {
  /** Which of the worker's buffers it is. */
  readonly buffer: number
  /** The buffer, shared with the worker, which leaves it alone until it is given back. */
  readonly bytes: Uint8Array
  /** For each chunk three numbers: its file's index in the job, where it begins in the buffer, its length. */
  readonly chunks: Uint32Array
  /** 32 bytes for each chunk. */
  readonly digests: Uint8Array
  /** Files whose last chunk this segment has, with their size, and those that failed. */
  readonly ended: readonly { readonly file: number; readonly size: number; readonly fault?: FileFault }[]
}

/** The chunks of small files, one file after the other. */
export interface SmallFilesCut {
  /** How many chunks each file has. */
  readonly counts: Uint32Array
  /** Bytes of each chunk. */
  readonly lengths: Uint32Array
  /** 32 bytes for each chunk. */
  readonly digests: Uint8Array<ArrayBuffer>
  /** Files that have no chunks because they could not be read. */
  readonly faults: readonly { readonly file: number; readonly fault: FileFault }[]
}

/** Pieces of files, with the hashes that they should have. */
export interface PartsToRead {
  readonly paths: readonly string[]
  /** For each piece three numbers: which of the paths, where in the file it begins, its length. */
  readonly parts: Float64Array<ArrayBuffer>
  /** 32 bytes for each piece. */
  readonly digests: Uint8Array<ArrayBuffer>
}

export interface PartsRead {
  /** All pieces one after the other, the bad ones with any content. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** For each piece 1 where it was read whole and has its hash, else 0. */
  readonly isGood: Uint8Array
}

export type FromWorker =
  | { readonly type: 'hashed'; readonly job: number; readonly buffer: ArrayBuffer; readonly digests: Uint8Array }
  | {
      readonly type: 'chunked'
      readonly job: number
      readonly buffer: ArrayBuffer
      /** Where each whole chunk ends. */
      readonly ends: Uint32Array
      readonly digests: Uint8Array
    }
  | { readonly type: 'segment'; readonly job: number; readonly segment: Segment }
  | { readonly type: 'cut'; readonly job: number; readonly cut: SmallFilesCut }
  | { readonly type: 'read'; readonly job: number; readonly read: PartsRead }
  /** The import is over; files from `returned` on were not begun and go to whoever is free. */
  | { readonly type: 'imported'; readonly job: number; readonly returned: number }
  | { readonly type: 'failed'; readonly job: number; readonly message: string }
