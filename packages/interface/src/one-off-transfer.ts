import type { AddResult, GetResult } from './add-and-get.ts'
import type { AbortOptions } from './common.ts'
import type { DeviceId } from './ids.ts'
import type { Progress, ProgressOptions } from './progress.ts'

export interface SendOptions extends AbortOptions {
  /** How long the ticket waits for somebody to use it, in milliseconds, at most 30 days. Default one hour. */
  expiresInMs?: number
}

/** How a one-off transfer goes, told to whoever sends. */
export type SendEvent =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | {
      /** Everything is read: whoever has the ticket may receive it. */
      readonly kind: 'ticket'
      readonly ticket: string
      /** Milliseconds since the Unix epoch. */
      readonly expiresAt: number
      readonly files: number
      readonly bytes: number
      readonly skipped: AddResult['skipped']
    }
  | { readonly kind: 'receiver' | 'done'; readonly peer: { readonly id: DeviceId; readonly name: string } }

export interface ReceiveOptions extends ProgressOptions {
  /** Absolute path of the directory in which to write; made where it is not there. */
  directory: string
  /** Whether files there that differ are replaced. Default `false`. */
  replace?: boolean
}

export interface ReceiveResult extends GetResult {
  readonly peer: { readonly id: DeviceId; readonly name: string }
}
