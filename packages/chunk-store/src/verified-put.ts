import { type AbortOptions, type Chunk, type ChunkId, chunkId, MAX_CHUNK_BYTES } from '@dittofs/interface'
import { type Blake3, chunkIdOf } from './blake3.ts'
import type { ChunkPool } from './chunk-pool.ts'
import { Gate } from './gate.ts'

/** Bytes of a `put` that are verified and written together. */
const PUT_BYTES = 1024 * 1024
/** Such groups under way at once; each has a buffer. */
const PUT_GROUPS = 8
/** Adds chunks that others say are these, once it is known that they are. */
export class VerifiedPut {
  readonly #blake3: Blake3
  readonly #pool: () => Pick<ChunkPool, 'hash'>
  readonly #groups = new Gate(PUT_GROUPS)

  constructor(blake3: Blake3, pool: () => Pick<ChunkPool, 'hash'>) {
    this.#blake3 = blake3
    this.#pool = pool
  }

  /**
   * @param add - is given those that are what they are said to be, in groups, several at a time
   * @returns the others, which were too long, empty, or not what their IDs say
   */
  async run(
    chunks: readonly Chunk[],
    add: (good: readonly Chunk[]) => Promise<unknown>,
    options: AbortOptions,
  ): Promise<ChunkId[]> {
    const refused = chunks.filter(({ bytes }) => isOutOfRange(bytes)).map(({ id }) => id)
    const groups = groupBySize(chunks.filter(({ bytes }) => !isOutOfRange(bytes)))
    await Promise.all(
      groups.map(async (group) => {
        const bad = await this.#groups.run(() => this.#addGood(group, add), options)
        refused.push(...bad)
      }),
    )
    return refused
  }

  async #addGood(chunks: readonly Chunk[], add: (good: readonly Chunk[]) => Promise<unknown>): Promise<ChunkId[]> {
    const good: Chunk[] = []
    const bad: ChunkId[] = []
    for (const { id, bytes, hash } of await this.#hashGroup(chunks)) {
      if (hash === id) good.push({ id, bytes })
      else bad.push(id)
    }
    if (good.length > 0) await add(good)
    return bad
  }

  /**
   * The native BLAKE3 is done with a group in a sixth of a millisecond, less than it takes to copy it for a worker;
   * WASM takes eight times as long.
   */
  async #hashGroup(chunks: readonly Chunk[]): Promise<(Chunk & { hash: ChunkId })[]> {
    if (this.#blake3.kind === 'native') {
      return chunks.map(({ id, bytes }) => ({ id, bytes, hash: chunkIdOf(this.#blake3, bytes) }))
    }
    const total = chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const copy = Buffer.allocUnsafeSlow(total)
    const ranges = new Uint32Array(chunks.length * 2)
    let at = 0
    for (const [nth, { bytes }] of chunks.entries()) {
      copy.set(bytes, at)
      ranges.set([at, bytes.length], nth * 2)
      at += bytes.length
    }
    const { buffer, digests } = await this.#pool().hash(copy.buffer, ranges)
    return chunks.map(({ id }, nth) => ({
      id,
      bytes: new Uint8Array(buffer, ranges[nth * 2], ranges[nth * 2 + 1]),
      hash: chunkId.fromBytes(digests.subarray(nth * 32, nth * 32 + 32)),
    }))
  }
}

function isOutOfRange(bytes: Uint8Array): boolean {
  return bytes.length < 1 || bytes.length > MAX_CHUNK_BYTES
}

function groupBySize(chunks: readonly Chunk[]): Chunk[][] {
  const groups: Chunk[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const chunk of chunks) {
    if (bytes + chunk.bytes.length > PUT_BYTES) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(chunk)
    bytes += chunk.bytes.length
  }
  return groups
}
