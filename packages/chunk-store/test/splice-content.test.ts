import { type ByteRange, CHUNKERS, type ChunkStore, MAX_CHUNK_BYTES, type SpaceId } from '@dittofs/interface'
import { ALICE_SPACE, memoryChunkStore, pseudoRandomBytes } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunkIdOf, loadBlake3, ManifestBuilder, readManifest, spliceContent } from '../src/index.ts'

const space: SpaceId = ALICE_SPACE

async function openStore() {
  const store = memoryChunkStore()
  await store.open()
  return store
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** An edit that gives the bytes of a whole content, and counts how many were read. */
function editOf(next: Uint8Array, changed: readonly ByteRange[], zeros: readonly ByteRange[] = []) {
  const edit = {
    size: next.length,
    changed,
    zeros,
    readBytes: 0,
    async read({ start, end }: ByteRange) {
      edit.readBytes += end - start
      return next.slice(start, end)
    },
  }
  return edit
}

describe.each(CHUNKERS)('splicing content cut by %s', (chunker) => {
  const importAll = (store: ChunkStore, bytes: Uint8Array) => store.importStream(space, once(bytes), { chunker })

  test('gives what an import of all bytes gives, whatever was changed, cut off or put behind', async () => {
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(70_000), seed: fc.nat() })
    const property = fc.asyncProperty(
      fc.nat(900_000),
      fc.nat(900_000),
      fc.array(change, { maxLength: 4 }),
      fc.boolean(),
      async (baseSize, nextSize, changes, isGap) => {
        const base = pseudoRandomBytes(baseSize, baseSize)
        const next = new Uint8Array(nextSize)
        next.set(base.subarray(0, nextSize))
        const ranges = changes
          .map(({ at, length, seed }) => {
            const start = Math.floor(at * nextSize)
            const end = Math.min(start + length, nextSize)
            next.set(pseudoRandomBytes(seed, end - start), start)
            return { start, end }
          })
          .filter(({ start, end }) => end > start)
        if (nextSize > baseSize) {
          if (!isGap) next.set(pseudoRandomBytes(7, nextSize - baseSize), baseSize)
          ranges.push({ start: baseSize, end: nextSize })
        }
        const store = await openStore()
        const { content } = await importAll(store, base)
        const spliced = await spliceContent(store, space, { content, size: baseSize }, editOf(next, merged(ranges)), {
          chunker,
        })
        const whole = await importAll(await openStore(), next)
        expect({ content: spliced.content, size: spliced.size }).toEqual({ content: whole.content, size: nextSize })
      },
    )
    await fc.assert(property, { numRuns: 40 })
  })

  test('of a few bytes in a large file reads and stores about a chunk', async () => {
    const size = 24 * 1024 * 1024
    const base = pseudoRandomBytes(1, size)
    const store = await openStore()
    const { content } = await importAll(store, base)
    const next = base.slice()
    const start = 13_000_000
    next.set(pseudoRandomBytes(2, 4096), start)
    const edit = editOf(next, [{ start, end: start + 4096 }])
    const spliced = await spliceContent(store, space, { content, size }, edit, { chunker })
    expect(edit.readBytes).toBeLessThan(4 * MAX_CHUNK_BYTES)
    expect(spliced.newBytes).toBeLessThan(3 * MAX_CHUNK_BYTES)
    expect(spliced.content).toEqual((await importAll(store, next)).content)
  })

  test('takes large changes through the store’s own import', async () => {
    const base = pseudoRandomBytes(1, 300_000)
    const next = pseudoRandomBytes(2, 20 * 1024 * 1024)
    next.set(base.subarray(0, 100_000))
    next.set(base.subarray(250_000), 250_000)
    const store = await openStore()
    const { content } = await importAll(store, base)
    const ranges = [
      { start: 100_000, end: 250_000 },
      { start: 300_000, end: next.length },
    ]
    const { content: spliced } = await spliceContent(
      store,
      space,
      { content, size: base.length },
      editOf(next, ranges),
      {
        chunker,
      },
    )
    expect(spliced).toEqual((await importAll(await openStore(), next)).content)
  })

  test('names the chunk of a hole again and again, and never reads it', async () => {
    const size = 32 * 1024 * 1024
    const next = new Uint8Array(size)
    next.set(pseudoRandomBytes(1, 10_000), 20_000_000)
    const edit = editOf(
      next,
      [{ start: 0, end: size }],
      [
        { start: 0, end: 20_000_000 },
        { start: 20_010_000, end: size },
      ],
    )
    const store = await openStore()
    const empty = { content: { kind: 'inline', chunks: [] }, size: 0 } as const
    const { content } = await spliceContent(store, space, empty, edit, { chunker })
    expect(content).toEqual((await importAll(await openStore(), next)).content)
    expect(edit.readBytes).toBeLessThan(4 * MAX_CHUNK_BYTES)
  })
})

describe('splicing a manifest of many nodes', () => {
  const LENGTH = 65_536

  /** A manifest of so many chunks that are in no store; its nodes are. */
  async function largeFile(store: ChunkStore, count: number) {
    const builder = new ManifestBuilder((node) => chunkIdOf(loadBlake3(), node))
    const ids = Array.from({ length: count }, (_, at) => at.toString(16).padStart(64, '0'))
    for (const id of ids) builder.add({ id: id as never, length: LENGTH })
    const content = builder.finish()
    await store.put(space, builder.takeNodes())
    return { content, size: count * LENGTH, ids }
  }

  test('keeps the nodes on both sides where the number of chunks stays', async () => {
    const store = await openStore()
    const { content, size, ids } = await largeFile(store, 3 * 4096 + 10)
    const changed = pseudoRandomBytes(3, LENGTH)
    const at = 5000 * LENGTH
    let readBytes = 0
    const edit = {
      size,
      changed: [{ start: at + 10, end: at + 4106 }],
      zeros: [],
      read: async ({ start, end }: ByteRange) => {
        readBytes += end - start
        const bytes = new Uint8Array(end - start)
        bytes.set(changed.subarray(start - at, end - at))
        return bytes
      },
    }
    const read: string[] = []
    const counting = new Proxy(store, {
      get(target, key) {
        const value = Reflect.get(target, key) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (key === 'get') read.push(String(args[1]))
          return (value as (...args: unknown[]) => unknown).apply(target, args)
        }
      },
    })
    const spliced = await spliceContent(counting, space, { content, size }, edit, { chunker: 'fixed' })
    // The root, and the leaf with the change.
    expect(read).toHaveLength(2)
    expect(readBytes).toBeLessThan(2 * LENGTH)
    expect(spliced.newChunks).toBe(3)
    const now: string[] = []
    for await (const step of readManifest(store, space, spliced.content, size)) {
      if (step.kind === 'chunks') now.push(...step.run.chunks.map(({ id }) => id))
    }
    expect(now).toHaveLength(ids.length)
    expect(now.flatMap((id, index) => (id === ids[index] ? [] : [index]))).toEqual([5000])
  })

  test('reads only the nodes of a part that is asked for', async () => {
    const store = await openStore()
    const { content, size } = await largeFile(store, 3 * 4096 + 10)
    const runs: number[] = []
    const within = { start: 5000 * LENGTH, end: 5001 * LENGTH }
    for await (const step of readManifest(store, space, content, size, { within })) {
      if (step.kind === 'chunks') runs.push(step.run.first)
    }
    expect(runs).toEqual([4096])
  })

  test('asks for the nodes that are not here, and fails where they do not come', async () => {
    const elsewhere = await openStore()
    const { content, size } = await largeFile(elsewhere, 5000)
    const store = await openStore()
    const edit = {
      size: size - LENGTH,
      changed: [],
      zeros: [],
      read: async ({ start, end }: ByteRange) => new Uint8Array(end - start),
    }
    const base = { content, size }
    await expect(spliceContent(store, space, base, edit)).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    const fetchNodes = async (nodes: readonly string[]) => {
      for (const id of nodes) {
        const bytes = await elsewhere.get(space, id as never)
        if (bytes !== undefined) await store.put(space, [{ id: id as never, bytes }])
      }
    }
    const spliced = await spliceContent(store, space, base, edit, { fetchNodes })
    expect(spliced.content).toMatchObject({ kind: 'manifest', chunkCount: 4999 })
  })
})

function merged(ranges: readonly ByteRange[]): ByteRange[] {
  const result: { start: number; end: number }[] = []
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last !== undefined && last.end >= start) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}
