import type { AbortOptions, Chunk, ChunkId, ChunkRef, ChunkStore, SpaceId } from '@dittofs/interface'
import type { RecipeStep } from '@dittofs/wire'
import { readChunks } from './read-chunks.ts'

type MadeStep = Extract<RecipeStep, { kind: 'made' }>

/**
 * Makes chunks of pieces of others and stores them, as far as what they are made of is here.
 *
 * @param list - the chunks that positions of pieces count
 * @returns whether everything that could be made is what it should be
 */
export async function storeMadeChunks(
  store: ChunkStore,
  space: SpaceId,
  steps: readonly RecipeStep[],
  list: readonly (ChunkRef | undefined)[],
  options: AbortOptions = {},
): Promise<boolean> {
  let isHonest = true
  for (const step of steps) {
    if (step.kind !== 'made') continue
    const [isHeld] = await store.has(space, [step.chunk.id])
    const chunk = isHeld === true ? undefined : await madeOf(store, space, step, list, options)
    // One at a time: what is read for a chunk may be sixteen times its size.
    if (chunk !== undefined && (await store.put(space, [chunk], options)).length > 0) isHonest = false
  }
  return isHonest
}

async function madeOf(
  store: ChunkStore,
  space: SpaceId,
  { chunk, pieces }: MadeStep,
  list: readonly (ChunkRef | undefined)[],
  options: AbortOptions,
): Promise<Chunk | undefined> {
  const ids: ChunkId[] = []
  for (const piece of pieces) {
    if (piece.kind === 'bytes') continue
    const part = list[piece.position]
    if (part === undefined || piece.offset + piece.length > part.length) return undefined
    ids.push(part.id)
  }
  const read = await readChunks(store, space, ids, options)
  const parts: Uint8Array[] = []
  let at = 0
  for (const piece of pieces) {
    if (piece.kind === 'bytes') {
      parts.push(piece.bytes)
      continue
    }
    const bytes = read[at++]
    if (bytes === undefined) return undefined
    parts.push(bytes.subarray(piece.offset, piece.offset + piece.length))
  }
  return { id: chunk.id, bytes: Buffer.concat(parts) }
}
