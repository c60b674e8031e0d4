import { type ChunkId, chunkId } from '@dittofs/interface'
import { InvalidArgumentError } from 'commander'

/** Chunk IDs joined by commas, as `dittofs list -v` shows them. */
export function parseChunkIds(text: string): readonly ChunkId[] {
  return text.split(',').map((part) => {
    const id = part.trim().toLowerCase()
    if (!chunkId.is(id)) throw new InvalidArgumentError('A chunk ID is 64 hex digits; several are joined by commas.')
    return id
  })
}
