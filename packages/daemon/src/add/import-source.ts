import { lstat, readlink } from 'node:fs/promises'
import {
  type AbortOptions,
  type ChunkerKind,
  type ChunkStore,
  DittoError,
  type Durability,
  type FileContent,
  type SpaceId,
  type SymlinkContent,
} from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import { stampOf } from '../state/origins.ts'
import type { SourceEntry } from './source-entry.ts'

export interface ImportSourceOptions extends AbortOptions {
  store: ChunkStore
  space: SpaceId
  chunker: ChunkerKind
  durability: Durability
  /** What the file may hold still. */
  like: FileContent | undefined
  /** Called with the bytes read since it was called before. */
  onProgress?: (bytes: number) => void
}

export interface ImportedFile {
  readonly file: FileContent
  /** The source as it was both before and after its bytes were read. */
  readonly entry: SourceEntry
  readonly newChunks: number
  readonly newBytes: number
}

/** A file that changes while it is read is read once more, then left for another time. */
const ATTEMPTS = 2

/**
 * Stores the bytes of a file and says what the metadata is to hold.
 *
 * @throws DittoError DITTO_FILE_CHANGED, DITTO_NOT_FOUND, DITTO_PERMISSION, DITTO_UNSUPPORTED, DITTO_NO_SPACE
 */
export async function importSource(entry: SourceEntry, options: ImportSourceOptions): Promise<ImportedFile> {
  const { store, space, chunker, durability, like, signal } = options
  let before = entry.stat
  let told = 0
  const onProgress = (bytes: number) => {
    if (bytes <= told) return
    options.onProgress?.(bytes - told)
    told = bytes
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const importOptions = {
      ...{ chunker, durability, onProgress },
      ...(like === undefined ? {} : { like }),
      ...(signal === undefined ? {} : { signal }),
    }
    const result = await store.importFile(space, entry.source, importOptions)
    const after = await lstat(entry.source, { bigint: true }).catch((error: unknown) => {
      throw fromSystemError(error, `read ${JSON.stringify(entry.source)}`)
    })
    if (after.isFile() && stampOf(after) === stampOf(before)) {
      const mode = Number(after.mode & 0o777n)
      return {
        file: { size: result.size, mtimeNs: after.mtimeNs, mode, content: result.content },
        entry: { ...entry, stat: after },
        newChunks: result.newChunks,
        newBytes: result.newBytes,
      }
    }
    before = after
  }
  throw new DittoError(
    'DITTO_FILE_CHANGED',
    `${JSON.stringify(entry.source)} changed while it was read; add it again when it is at rest.`,
  )
}

const MAX_TARGET_BYTES = 4095
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws DittoError DITTO_UNSUPPORTED (the target is not UTF-8 or too long), DITTO_NOT_FOUND */
export async function readSymlink(entry: SourceEntry): Promise<SymlinkContent> {
  const raw = await readlink(entry.source, { encoding: 'buffer' }).catch((error: unknown) => {
    throw fromSystemError(error, `read the symlink ${JSON.stringify(entry.source)}`)
  })
  try {
    if (raw.length <= MAX_TARGET_BYTES) return { target: utf8.decode(raw), mtimeNs: entry.stat.mtimeNs }
  } catch {
    // Told below, with the other reason.
  }
  throw new DittoError(
    'DITTO_UNSUPPORTED',
    `The target of the symlink ${JSON.stringify(entry.source)} is not valid UTF-8, or longer than ${MAX_TARGET_BYTES} bytes.`,
  )
}
