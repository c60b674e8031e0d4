import type { AbortOptions } from './common.ts'

/** Where long work stands. Totals are `undefined` until known; bytes and files never fall. */
export interface Progress {
  readonly phase:
    | 'scan'
    | 'add'
    | 'connect'
    | 'confirm'
    | 'metadata'
    | 'fetch'
    | 'write'
    | 'verify'
    | 'repair'
    | 'send'
    | 'export'
    | 'import'
  readonly filesDone: number
  readonly filesTotal?: number
  readonly bytesDone: number
  readonly bytesTotal?: number
  /** What is being worked on, for a person; in `confirm` the digits that both devices show. */
  readonly current?: string
}

export interface ProgressOptions extends AbortOptions {
  onProgress?: (progress: Progress) => void
}
