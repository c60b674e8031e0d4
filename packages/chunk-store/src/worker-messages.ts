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
  /** Gives a segment's buffer back. */
  | { readonly type: 'release'; readonly buffer: number }
  /** One file of an import is not wanted any more. */
  | { readonly type: 'skip'; readonly job: number; readonly file: number }

/** Why a file cannot be imported; `code` is the system's where there is one. */
export interface FileFault {
  readonly kind: 'system' | 'irregular' | 'changed' | 'skipped'
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
  /** The import is over; files from `returned` on were not begun and go to whoever is free. */
  | { readonly type: 'imported'; readonly job: number; readonly returned: number }
  | { readonly type: 'failed'; readonly job: number; readonly message: string }
