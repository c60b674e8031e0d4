import {
  type AbortOptions,
  type ChunkRef,
  type ChunkRun,
  type ChunkStore,
  DittoError,
  type FileContent,
  type ReadManifest,
  type SpaceId,
} from '@dittofs/interface'

export interface ReadContentInit extends AbortOptions {
  store: ChunkStore
  readManifest: ReadManifest
  space: SpaceId
  /** First byte wanted. */
  start: number
  /** First byte not wanted any more; at most the file's size. */
  end: number
  /** For messages. */
  path: string
}

/** Chunks asked of the store at a time: about 16 MiB at most wait to be read. */
const CHUNKS_PER_READ = 256

/**
 * A file's bytes from `start` to `end`, verified, in order.
 *
 * The caller has seen to it that all of it is held: what cannot be read then was held and is damaged.
 *
 * @throws DittoError DITTO_CHUNK_CORRUPT, DITTO_MANIFEST_INVALID
 */
export async function* readContent(file: FileContent, init: ReadContentInit): AsyncGenerator<Uint8Array> {
  const { store, space, start, end, signal } = init
  if (start >= end) return
  const options = signal === undefined ? {} : { signal }
  for await (const step of init.readManifest(store, space, file.content, file.size, options)) {
    if (step.kind === 'missing') throw damaged(init.path)
    const wanted = chunksWithin(step.run, start, end)
    for (let at = 0; at < wanted.length; at += CHUNKS_PER_READ) {
      const part = wanted.slice(at, at + CHUNKS_PER_READ)
      for await (const bytes of inOrder(init, part)) yield bytes
    }
    if (step.run.offset + bytesOf(step.run.chunks) >= end) return
  }
}

interface WantedChunk {
  readonly chunk: ChunkRef
  readonly from: number
  readonly to: number
}

function chunksWithin(run: ChunkRun, start: number, end: number): WantedChunk[] {
  const wanted: WantedChunk[] = []
  let offset = run.offset
  for (const chunk of run.chunks) {
    const from = Math.max(start - offset, 0)
    const to = Math.min(end - offset, chunk.length)
    if (from < to) wanted.push({ chunk, from, to })
    offset += chunk.length
  }
  return wanted
}

function bytesOf(chunks: readonly ChunkRef[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

/** The store answers in its own best order; a reader wants the file's. */
async function* inOrder(init: ReadContentInit, part: readonly WantedChunk[]): AsyncGenerator<Uint8Array> {
  const waiting = new Map<number, Uint8Array>()
  let next = 0
  const ids = part.map(({ chunk }) => chunk.id)
  for await (const batch of init.store.getMany(
    init.space,
    ids,
    init.signal === undefined ? {} : { signal: init.signal },
  )) {
    for (const { index, bytes } of batch) {
      const expected = part[index]
      if (bytes === undefined || expected === undefined || bytes.length !== expected.chunk.length) {
        throw damaged(init.path)
      }
      waiting.set(index, bytes)
    }
    for (let bytes = waiting.get(next); bytes !== undefined; bytes = waiting.get(next)) {
      waiting.delete(next)
      const { from, to } = part[next] as WantedChunk
      next++
      yield bytes.subarray(from, to)
    }
  }
}

function damaged(path: string): DittoError {
  return new DittoError(
    'DITTO_CHUNK_CORRUPT',
    `The stored bytes of ${JSON.stringify(path)} are damaged; run "dittofs verify --repair" while another device is connected.`,
  )
}
