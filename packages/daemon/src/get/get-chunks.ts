import { realpath } from 'node:fs/promises'
import nodePath from 'node:path'
import {
  type ChunkId,
  type ChunkStore,
  DittoError,
  type Durability,
  type GetOptions,
  type GetResult,
} from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import type { OpenSpace } from '../spaces/open-space.ts'
import { TreeWriter } from '../tree/tree-writer.ts'

const CHUNKS_PER_READ = 64
const FILE_MODE = 0o644

export interface GetChunksInit {
  store: ChunkStore
  durability: Durability
  /** Milliseconds since the Unix epoch: the time the file gets. */
  nowMs: number
  /** Brings chunks that are not here. @returns bytes that came from other devices. @throws DITTO_CHUNK_MISSING */
  ensure: (space: OpenSpace, ids: readonly ChunkId[]) => Promise<number>
}

/**
 * Writes chunks, joined in the order given, to one file.
 *
 * @throws DittoError DITTO_CHUNK_MISSING, DITTO_CHUNK_CORRUPT, DITTO_NO_SPACE, DITTO_NOT_FOUND
 */
export async function getChunks(
  init: GetChunksInit,
  space: OpenSpace,
  ids: readonly ChunkId[],
  options: GetOptions & { output: string },
): Promise<GetResult> {
  const output = nodePath.resolve(options.output)
  const name = nodePath.basename(output)
  const root = await realpath(nodePath.dirname(output)).catch((error: unknown) => {
    throw fromSystemError(error, `write to ${JSON.stringify(output)}`)
  })
  const held = await init.store.has(space.id, ids)
  const missing = ids.filter((_, index) => held[index] !== true)
  const fetchedBytes = missing.length > 0 ? await init.ensure(space, missing) : 0
  const writer = await TreeWriter.open({
    root,
    symlinks: 'inside',
    durability: init.durability,
    canReplace: true,
    chosenName: name,
  })
  let bytes = 0
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < ids.length; at += CHUNKS_PER_READ) {
      for (const chunk of await readOrdered(init.store, space, ids.slice(at, at + CHUNKS_PER_READ), options.signal)) {
        bytes += chunk.length
        yield chunk
      }
    }
  }
  try {
    const attributes = { mode: FILE_MODE, mtimeNs: BigInt(Math.trunc(init.nowMs)) * 1_000_000n }
    await writer.writeFile([name], attributes, Number.NaN, content)
  } finally {
    await writer.close()
  }
  return { output, files: 1, directories: 0, symlinks: 0, bytes, fetchedBytes, skipped: [] }
}

async function readOrdered(
  store: ChunkStore,
  space: OpenSpace,
  ids: readonly ChunkId[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const batch of store.getMany(space.id, ids, signal === undefined ? {} : { signal })) {
    for (const { index, bytes } of batch) {
      if (bytes === undefined) {
        throw new DittoError(
          'DITTO_CHUNK_CORRUPT',
          `The stored bytes of chunk ${ids[index]} are damaged; verify and repair.`,
        )
      }
      chunks[index] = bytes
    }
  }
  return chunks
}
