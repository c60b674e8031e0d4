import { type Chunk, type ChunkId, type ChunkRef, chunkId, type ImportOptions } from '@dittofs/interface'
import type { ChunkAdder } from './chunk-adder.ts'
import type { ChunkPool } from './chunk-pool.ts'
import type { CutFile } from './file-cutter.ts'
import { faultError } from './file-fault.ts'
import { DEFAULT_IMPORT } from './file-import-queue.ts'
import type { WriteOperation } from './group-commit.ts'
import { ManifestBuilder } from './manifest-builder.ts'
import type { SmallFilesCut } from './worker-messages.ts'

/** Files of one message: what costs is the message, not the file. A worker answers nothing else meanwhile. */
const FILES_PER_JOB = 64

export interface CutFilesInit {
  pool: ChunkPool
  adder: ChunkAdder
  space: number
  operation: WriteOperation
  idOf: (bytes: Uint8Array) => ChunkId
  options: ImportOptions
}

/** See `FileCutter.cutFiles`. The caller waits for durability. */
export async function cutFiles(init: CutFilesInit, paths: readonly string[]): Promise<(CutFile | undefined)[]> {
  const { pool, adder, space, operation, options } = init
  const { chunker = DEFAULT_IMPORT.chunker, signal } = options
  const cut: (CutFile | undefined)[] = []
  let next = 0
  const run = async () => {
    while (next < paths.length) {
      signal?.throwIfAborted()
      const from = next
      next += FILES_PER_JOB
      const some = paths.slice(from, next)
      const { files, nodes } = filesOf(await pool.cutFiles(some, chunker), some, init.idOf)
      for (const [nth, file] of files.entries()) cut[from + nth] = file
      if (nodes.length > 0) await adder.add(space, nodes, operation)
    }
  }
  await Promise.all(Array.from({ length: pool.width }, run))
  return cut
}

function filesOf(
  { counts, lengths, digests, faults }: SmallFilesCut,
  paths: readonly string[],
  idOf: (bytes: Uint8Array) => ChunkId,
): { readonly files: (CutFile | undefined)[]; readonly nodes: readonly Chunk[] } {
  const nodes: Chunk[] = []
  let at = 0
  const files = paths.map((_path, nth): CutFile | undefined => {
    const manifest = new ManifestBuilder(idOf)
    const chunks: ChunkRef[] = []
    for (const end = at + (counts[nth] ?? 0); at < end; at++) {
      const chunk = { id: chunkId.fromBytes(digests.subarray(at * 32, at * 32 + 32)), length: lengths[at] as number }
      chunks.push(chunk)
      manifest.add(chunk)
    }
    const content = manifest.finish()
    nodes.push(...manifest.takeNodes())
    return { content, size: manifest.size, chunks }
  })
  for (const { file, fault } of faults) {
    const path = paths[file] as string
    files[file] = fault.kind === 'long' ? undefined : { error: faultError({ path }, fault) }
  }
  return { files, nodes }
}
