import { type AbortOptions, type ChunkId, DittoError, type FileContent } from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { Missing } from './held-chunks.ts'

/** A file of which the device lacks bytes. */
export interface LackingFile {
  readonly path: string
  readonly file: FileContent
  readonly missing: Missing
}

export interface FetchOptions extends AbortOptions {
  /** Called with the bytes that came since it was called before. */
  onProgress?: (bytes: number) => void
}

/** Brings content that this device lacks. */
export interface ContentFetcher {
  /**
   * Resolves when all of the files' content is held, and available in the space.
   *
   * @returns bytes that came from other devices
   * @throws DittoError DITTO_CHUNK_MISSING when nobody who is reachable has all of it
   */
  ensure(space: OpenSpace, files: readonly LackingFile[], options?: FetchOptions): Promise<number>
}

/** For a device that uses no network: what is missing stays missing. */
export const noFetcher: ContentFetcher = {
  async ensure(_space, files) {
    throw missingError(files, 'connect to a device that has it, with the daemon running, and try again')
  },
}

/** @param advice - what to do, to follow a semicolon */
export function missingError(files: readonly LackingFile[], advice: string): DittoError {
  const chunks = files.reduce((sum, { missing }) => sum + missing.chunks, 0)
  const bytes = files.reduce((sum, { missing }) => sum + missing.bytes, 0)
  const [first] = files
  const what = files.length === 1 ? JSON.stringify(first?.path) : `${files.length} files`
  return new DittoError(
    'DITTO_CHUNK_MISSING',
    `${chunks} ${chunks === 1 ? 'chunk' : 'chunks'} of ${what} (${bytes} bytes) are not on this device; ${advice}.`,
    { details: { files: files.length, missingChunks: chunks, missingBytes: bytes } },
  )
}

/** The same for chunks that were named by their IDs. */
export function missingChunksError(ids: readonly ChunkId[]): DittoError {
  return new DittoError(
    'DITTO_CHUNK_MISSING',
    `${ids.length} of the chunks named are not on this device; connect to a device that has them, with the daemon running, and try again.`,
    { details: { missingChunks: ids.length } },
  )
}
