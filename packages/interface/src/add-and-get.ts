import type { ProgressOptions } from './progress.ts'

export interface AddOptions extends ProgressOptions {
  space?: string
  /** The path in the space, with exactly one source. */
  as?: string
  /** Makes a new version of whatever file is at the path, wherever it came from. */
  replace?: boolean
}

export interface AddResult {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Of `files`, those whose content and attributes were the same already. */
  readonly unchanged: number
  readonly bytes: number
  readonly newChunks: number
  readonly newBytes: number
  readonly paths: readonly string[]
  /** Sources left out, each with the reason: devices, sockets, FIFOs, unreadable or changing files, names not UTF-8. */
  readonly skipped: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
}

export interface GetOptions extends ProgressOptions {
  space?: string
  /** Absolute path to write to; an existing file there is overwritten. Without it the base name in `directory`. */
  output?: string
  /** Absolute path of the directory in which to write without `output`; an existing different file is not overwritten. */
  directory: string
}

export interface GetResult {
  readonly output: string
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly bytes: number
  /** Bytes that came from other devices for this. */
  readonly fetchedBytes: number
  /** Entries not written, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
}
