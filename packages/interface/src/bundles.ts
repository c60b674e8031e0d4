import type { DeviceId, SpaceId } from './ids.ts'
import type { ProgressOptions } from './progress.ts'

export interface ExportOptions extends ProgressOptions {
  /** ID of the device that is to get it, or its beginning. */
  device: string
  space?: string
  /** Everything, not only what the other device is not known to hold. Default `false`. */
  all?: boolean
}

export interface ExportResult {
  /** Absolute path of the bundle. */
  readonly file: string
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly device: { readonly id: DeviceId; readonly name: string }
  /** Whether it holds everything, because nothing was known of the other device or `all` was given. */
  readonly isWhole: boolean
  /** Whether it went on with one that had been begun. */
  readonly isResumed: boolean
  /** Of the whole bundle. */
  readonly parts: number
  readonly bytes: number
  readonly chunks: number
  /** Chunks that should be in it and are not on this device. */
  readonly missingChunks: number
}

export interface ImportBundleResult {
  readonly space: { readonly id: SpaceId; readonly name: string }
  /** Who made the bundle. */
  readonly device: { readonly id: DeviceId; readonly name: string }
  /** Whether it went on where an earlier import had stopped. */
  readonly isResumed: boolean
  /** Read now. */
  readonly parts: number
  readonly bytes: number
  /** Statements about members that were new. */
  readonly statements: number
  /** Chunks that were not here before, and their bytes. */
  readonly newChunks: number
  readonly newBytes: number
}
