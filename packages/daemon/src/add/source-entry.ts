import type { BigIntStats } from 'node:fs'
import type { ErrorCode, NodeKind } from '@dittofs/interface'

/** Something on disk that is to be added, as it was when it was looked at. */
export interface SourceEntry {
  /** Absolute path on disk. */
  readonly source: string
  /** Where it goes in the space. */
  readonly path: string
  readonly kind: NodeKind
  readonly stat: BigIntStats
}

/** Something on disk that cannot be added, and why. */
export interface SkippedSource {
  readonly path: string
  readonly code: ErrorCode
  readonly reason: string
}

/** The kind of node a file of this kind becomes; `undefined` for what is no content: devices, sockets, FIFOs. */
export function nodeKindOf(stat: BigIntStats): NodeKind | undefined {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  return undefined
}

/** Completes the sentence "it is a …" for what {@link nodeKindOf} has no kind for. */
export function specialKindOf(stat: BigIntStats): string {
  if (stat.isFIFO()) return 'named pipe'
  if (stat.isSocket()) return 'socket'
  return 'device'
}
