import type { ChunkRef, ImportOptions, ImportResult, SpaceId } from '@dittofs/interface'

/** A store that can name a file's chunks without keeping their bytes. */
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
}
