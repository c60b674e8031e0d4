import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { chunkIdOf, loadBlake3, readManifest } from '@dittofs/chunk-store'
import { type Chunk, type ChunkId, type ChunkStore, type SpaceId, spaceId } from '@dittofs/interface'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const blake3 = loadBlake3()
export const ALICE_SPACE: SpaceId = spaceId.parse('a1'.repeat(32))
export const BOB_SPACE: SpaceId = spaceId.parse('b0'.repeat(32))

/** A chunk of pseudo-random bytes. */
export function chunkOf(seed: number, bytes = 1000): Chunk {
  const content = pseudoRandomBytes(seed, bytes)
  return { id: chunkIdOf(blake3, content), bytes: content }
}

export async function readAll(
  store: ChunkStore,
  space: SpaceId,
  ids: readonly ChunkId[],
): Promise<(Uint8Array | undefined)[]> {
  const found: (Uint8Array | undefined)[] = ids.map(() => undefined)
  for await (const batch of store.getMany(space, ids)) for (const { index, bytes } of batch) found[index] = bytes
  return found
}

export async function first<T>(iterable: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of iterable) return value
  return undefined
}

export async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001)
}

export async function fileOf(size: number): Promise<string> {
  const file = path.join(await temporaryDirectory(), 'file')
  await writeFile(file, pseudoRandomBytes(7, size))
  return file
}

export type Imported = Awaited<ReturnType<ChunkStore['importFile']>>

export async function chunksOf(store: ChunkStore, space: SpaceId, { content, size }: Imported) {
  const chunks = []
  for await (const step of readManifest(store, space, content, size)) {
    if (step.kind === 'missing') throw new Error('a manifest node is missing')
    chunks.push(...step.run.chunks)
  }
  return chunks
}

export async function contentOf(store: ChunkStore, space: SpaceId, imported: Imported): Promise<Uint8Array> {
  const ids = (await chunksOf(store, space, imported)).map((chunk) => chunk.id)
  const parts = await readAll(store, space, ids)
  return Buffer.concat(parts.map((part) => part ?? new Uint8Array()))
}

/** `put` takes its buffers over, so tests that compare afterwards give it copies. */
export function copyOf({ id, bytes }: Chunk): Chunk {
  return { id, bytes: bytes.slice() }
}
