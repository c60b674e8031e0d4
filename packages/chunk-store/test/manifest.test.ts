import {
  type ChunkId,
  type ChunkRef,
  type ChunkStore,
  type ContentRef,
  chunkId,
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_MANIFEST_NODE_ENTRIES,
  type ManifestStep,
} from '@dittofs/interface'
import { ALICE_SPACE, BOB_SPACE, memoryChunkStore } from '@dittofs/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { chunkIdOf, loadBlake3, ManifestBuilder, readManifest } from '../src/index.ts'
import { decodeBranch, decodeLeaf, encodeBranch, encodeLeaf } from '../src/manifest-node.ts'

const blake3 = loadBlake3()
const idOf = (bytes: Uint8Array) => chunkIdOf(blake3, bytes)
const INVALID = { code: 'DITTO_MANIFEST_INVALID' }

/** A made-up chunk list; the chunks themselves are nowhere. */
function chunkList(count: number): ChunkRef[] {
  return Array.from({ length: count }, (_, index) => ({
    id: chunkId.parse(index.toString(16).padStart(64, '0')),
    length: 1 + (index % 1000),
  }))
}

let store: ChunkStore
beforeEach(async () => {
  store = memoryChunkStore()
  await store.open()
})

async function write(chunks: readonly ChunkRef[]): Promise<{ content: ContentRef; size: number; nodes: ChunkId[] }> {
  const builder = new ManifestBuilder(idOf)
  for (const chunk of chunks) builder.add(chunk)
  const content = builder.finish()
  const nodes = builder.takeNodes()
  await store.put(ALICE_SPACE, nodes)
  return { content, size: builder.size, nodes: nodes.map(({ id }) => id) }
}

async function read(content: ContentRef, size: number, space = ALICE_SPACE): Promise<ManifestStep[]> {
  const steps: ManifestStep[] = []
  for await (const step of readManifest(store, space, content, size)) steps.push(step)
  return steps
}

/** The manifest with this one node, stored as it is. */
async function nodeOf(node: Uint8Array): Promise<ChunkId> {
  const id = idOf(node)
  await store.put(ALICE_SPACE, [{ id, bytes: node.slice() }])
  return id
}

describe('a manifest', () => {
  test.each([
    [0, 'inline', 0],
    [4, 'inline', 0],
    [5, 'manifest', 1],
    [MAX_MANIFEST_NODE_ENTRIES, 'manifest', 1],
    [MAX_MANIFEST_NODE_ENTRIES + 1, 'manifest', 2],
    [3 * MAX_MANIFEST_NODE_ENTRIES, 'manifest', 2],
  ])('of %d chunks is %s with %d levels, and gives back the list in order', async (count, kind, depth) => {
    const chunks = chunkList(count)
    const { content, size } = await write(chunks)
    expect(content.kind).toBe(kind)
    if (content.kind === 'manifest') expect(content).toMatchObject({ depth, chunkCount: count })
    let first = 0
    let offset = 0
    for (const step of await read(content, size)) {
      if (step.kind === 'missing') throw new Error('nothing is missing')
      expect(step.run).toMatchObject({ first, offset })
      expect(step.run.chunks.length).toBeLessThanOrEqual(MAX_MANIFEST_NODE_ENTRIES)
      for (const chunk of step.run.chunks) {
        if (chunk.id !== chunks[first]?.id || chunk.length !== chunks[first]?.length)
          throw new Error(`chunk ${first} differs`)
        first++
        offset += chunk.length
      }
    }
    expect([first, offset]).toEqual([count, size])
  })

  test('names the nodes that are missing below one node at once and goes on with the others', async () => {
    const { content, size, nodes } = await write(chunkList(5 * MAX_MANIFEST_NODE_ENTRIES))
    const kept = [nodes[1], nodes[4], nodes.at(-1)] as ChunkId[]
    await store.collect(
      ALICE_SPACE,
      (async function* () {
        yield kept
      })(),
    )
    const steps = await read(content, size)
    const place = (at: number) => ({
      ...{ node: nodes[at], level: 1 },
      ...{ first: at * MAX_MANIFEST_NODE_ENTRIES, chunkCount: MAX_MANIFEST_NODE_ENTRIES },
    })
    expect(steps[0]).toEqual({
      kind: 'missing',
      nodes: [nodes[0], nodes[2], nodes[3]],
      places: [place(0), place(2), place(3)],
    })
    const runs = steps.slice(1).map((step) => (step.kind === 'chunks' ? step.run.first : undefined))
    expect(runs).toEqual([MAX_MANIFEST_NODE_ENTRIES, 4 * MAX_MANIFEST_NODE_ENTRIES])
  })

  test('names its root where that is missing, or belongs to another space', async () => {
    const { content, size, nodes } = await write(chunkList(10))
    expect(await read(content, size, BOB_SPACE)).toEqual([
      { kind: 'missing', nodes: [nodes[0]], places: [{ node: nodes[0], level: 1, first: 0, chunkCount: 10 }] },
    ])
  })

  test('is read only where a range says so', async () => {
    const { content, size } = await write(chunkList(3 * MAX_MANIFEST_NODE_ENTRIES))
    const firsts: number[] = []
    const range = { first: MAX_MANIFEST_NODE_ENTRIES + 5, count: 10 }
    for await (const step of readManifest(store, ALICE_SPACE, content, size, { range })) {
      firsts.push(step.kind === 'chunks' ? step.run.first : -1)
    }
    expect(firsts).toEqual([MAX_MANIFEST_NODE_ENTRIES])
  })

  test('stops with the reason of its signal', async () => {
    const { content, size } = await write(chunkList(10))
    const signal = AbortSignal.abort(new Error('not wanted'))
    await expect(
      readManifest(store, ALICE_SPACE, content, size, { signal })[Symbol.asyncIterator]().next(),
    ).rejects.toThrow('not wanted')
  })
})

describe('a manifest that lies', () => {
  const leaf = chunkList(10)
  const size = leaf.reduce((sum, chunk) => sum + chunk.length, 0)

  test.each([
    ['about the size', 1, 10, size + 1],
    ['with more chunks than it names', 1, 11, size],
    ['with fewer chunks than it names', 1, 9, size],
    ['with more levels than it needs', 2, 10, size],
    ['with no level', 0, 10, size],
    ['with so few chunks that it has no root', 1, 4, size],
    ['with more chunks than bytes', 1, size + 1, size],
    ['with a count that is no integer', 1, 9.5, size],
    ['with a count beyond all bounds', 3, 2 ** 60, MAX_FILE_BYTES],
    ['about a size beyond the limit', 1, 10, MAX_FILE_BYTES + 1],
    ['about a negative size', 1, 10, -1],
    ['about a size its chunks cannot fill', 1, 10, 10 * MAX_CHUNK_BYTES + 1],
  ])('%s is refused', async (_lie, depth, chunkCount, claimed) => {
    const root = await nodeOf(encodeLeaf(leaf))
    await expect(read({ kind: 'manifest', root, depth, chunkCount }, claimed)).rejects.toMatchObject(INVALID)
  })

  test('inline, about lengths, count or size, is refused', async () => {
    const [chunk] = leaf as [ChunkRef]
    const inline = (...chunks: ChunkRef[]): ContentRef => ({ kind: 'inline', chunks })
    await expect(read(inline(chunk), chunk.length + 1)).rejects.toMatchObject(INVALID)
    await expect(read(inline({ ...chunk, length: 0 }), 0)).rejects.toMatchObject(INVALID)
    await expect(read(inline({ ...chunk, length: -5 }, { ...chunk, length: 6 }), 1)).rejects.toMatchObject(INVALID)
    await expect(read(inline({ ...chunk, length: MAX_CHUNK_BYTES + 1 }), MAX_CHUNK_BYTES + 1)).rejects.toMatchObject(
      INVALID,
    )
    await expect(read(inline(...leaf.slice(0, 5)), 15)).rejects.toMatchObject(INVALID)
  })

  test('with a branch that names itself, or parts that do not add up, is refused', async () => {
    const chunkCount = MAX_MANIFEST_NODE_ENTRIES + 10
    const child = await nodeOf(encodeLeaf(leaf))
    for (const [first, second] of [
      [MAX_MANIFEST_NODE_ENTRIES, size + 1],
      [MAX_MANIFEST_NODE_ENTRIES - 1, size],
      [2 ** 43, size],
    ] as const) {
      const root = await nodeOf(
        encodeBranch(2, [
          { id: child, bytes: first },
          { id: child, bytes: second },
        ]),
      )
      const content: ContentRef = { kind: 'manifest', root, depth: 2, chunkCount }
      await expect(read(content, MAX_MANIFEST_NODE_ENTRIES + size)).rejects.toMatchObject(INVALID)
    }
  })
})

describe('a manifest node', () => {
  test('of chunks is "DFM", version, level, count, then IDs and lengths', () => {
    const chunks = [
      { id: chunkId.parse('ab'.repeat(32)), length: 65536 },
      { id: chunkId.parse('cd'.repeat(32)), length: 5 },
    ]
    const golden = ['44464d', '01', '0001', '0002', 'ab'.repeat(32), '00010000', 'cd'.repeat(32), '00000005'].join('')
    expect(Buffer.from(encodeLeaf(chunks)).toString('hex')).toBe(golden)
    expect(decodeLeaf(Buffer.from(golden, 'hex'), 2)).toEqual(chunks)
  })

  test('of nodes has 8 bytes for what each covers', () => {
    const children = [{ id: chunkId.parse('ab'.repeat(32)), bytes: 2 ** 33 }]
    const golden = ['44464d', '01', '0002', '0001', 'ab'.repeat(32), '0000000200000000'].join('')
    expect(Buffer.from(encodeBranch(2, children)).toString('hex')).toBe(golden)
    expect(decodeBranch(Buffer.from(golden, 'hex'), 2, 1)).toEqual(children)
  })

  test('of any bytes is decoded or refused with a code', () => {
    const valid = encodeLeaf(chunkList(3))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
            const changed = valid.slice()
            changed[at] = byte
            return changed
          }),
        ),
        (bytes) => {
          for (const decode of [() => decodeLeaf(bytes, 3), () => decodeBranch(bytes, 2, 3)]) {
            try {
              expect(decode()).toHaveLength(3)
            } catch (error) {
              expect(error).toMatchObject(INVALID)
            }
          }
        },
      ),
    )
  })
})
