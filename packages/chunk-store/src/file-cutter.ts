import type { ChunkRef, ContentRef, ImportOptions, ImportResult, SpaceId } from '@dittofs/interface'
import type { PartsRead, PartsToRead } from './worker-messages.ts'

/** A file that was cut, with all of its chunks in order, or why it could not be: what `importFile` throws. */
export type CutFile =
  | { readonly content: ContentRef; readonly size: number; readonly chunks: readonly ChunkRef[] }
  | { readonly error: unknown }

/** A store that can name a file's chunks without keeping their bytes, and read them from there. */
export interface FileCutter {
  /**
   * Cuts and hashes a regular file as `importFile` does and stores its manifest nodes, but not its chunks.
   *
   * @param onChunks - called with the chunks, in order, as they are found
   * @throws as `importFile`
   */
  cutFile(
    space: SpaceId,
    path: string,
    onChunks: (chunks: readonly ChunkRef[]) => void,
    options?: ImportOptions,
  ): Promise<ImportResult>

  /**
   * Does the same with many small files, at a fraction of what each would take by itself.
   *
   * @returns for each file what became of it; `undefined` for one of more than 1 MiB, which only `cutFile` cuts
   * @throws where none of them could be cut; `options.signal` is heeded between files
   */
  cutFiles(space: SpaceId, paths: readonly string[], options?: ImportOptions): Promise<readonly (CutFile | undefined)[]>

  /** Reads pieces of files, and says which have the hash that they should have. @param parts - given away */
  readParts(parts: PartsToRead): Promise<PartsRead>
}
