import { encodeLeaf, readManifest } from '@dittofs/chunk-store'
import { type ChunkRef, chunkId, type SpaceId } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { encodeRecipe, type Message } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { followRecipe, makeRecipe } from '../src/recipe.ts'
import { makeEdges } from '../src/recipe-edges.ts'
import { hooksOf, ReferenceSamples } from '../src/reference-samples.ts'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice, WORK } from './test-device.ts'

const NAMES = ['alice', 'bob', 'mallory']
const mallory = keyOf('mallory')

/** 16 MB: more than 200 chunks, whose manifest is one leaf of about 8 KB. */
const LARGE = pseudoRandomBytes(60, 16_000_000)
/** The same bytes in another order, at other alignments. */
const MIXED = Buffer.concat([LARGE.subarray(9_000_001), Buffer.from('seam'), LARGE.subarray(0, 9_000_001)])

async function chunksOf(device: TestDevice, path: string, space: SpaceId = HOME): Promise<ChunkRef[]> {
  const file = device.tree(space).lookup(path)?.file
  if (file === undefined) throw new TypeError(`there is no ${path}`)
  const chunks: ChunkRef[] = []
  for await (const step of readManifest(device.chunks, space, file.content, file.size)) {
    if (step.kind === 'missing') throw new TypeError('a node is missing')
    chunks.push(...step.run.chunks)
  }
  return chunks
}

/** What names the manifest of a file in messages. */
function manifestOf(device: TestDevice, path: string, space: SpaceId = HOME) {
  const file = device.tree(space).lookup(path)?.file
  if (file?.content.kind !== 'manifest') throw new TypeError('a large file has a manifest')
  const { root, depth, chunkCount } = file.content
  return { root: chunkId.toBytes(root), depth, chunks: chunkCount, size: file.size }
}

describe('a file whose content is here under another name', () => {
  it('costs a few hundred bytes, whatever the alignment', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'old.bin': LARGE })
    const alice = await TestDevice.open('alice', NAMES)
    const [session] = connect(alice, bob)
    await alice.upToDate()
    const before = session.link.bytesReceived
    await bob.write({ 'new.bin': MIXED })
    await expect.poll(() => alice.tree().lookup('new.bin')).toBeDefined()
    await alice.upToDate()
    const chunks = await chunksOf(alice, 'new.bin')
    expect(encodeLeaf(chunks).length).toBeGreaterThan(7000)
    expect(session.link.bytesReceived - before).toBeLessThan(2500)
    expect(await alice.files()).toEqual(await bob.files())
  })

  it('comes from a peer that tells of no manifest as well', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'old.bin': LARGE })
    const alice = await TestDevice.open('alice', NAMES)
    const [session] = connect(alice, bob)
    await alice.upToDate()
    session.requester.references.setAble(false)
    await bob.write({ 'new.bin': MIXED })
    await expect.poll(() => alice.tree().lookup('new.bin')).toBeDefined()
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
  })
})

/** Alice holds a large file, and has the metadata of another that is the same bytes in another order. */
async function asking(): Promise<{ alice: TestDevice; bob: TestDevice; peer: RawPeer; chunks: ChunkRef[] }> {
  const bob = await TestDevice.open('bob', NAMES)
  const alice = await TestDevice.open('alice', NAMES)
  await alice.write({ 'old.bin': LARGE })
  await bob.write({ 'new.bin': MIXED })
  const peer = await RawPeer.greet(alice, mallory, [HOME], [1])
  for (const message of await bob.tree().receive(alice.tree().hello(), alice.key, true)) {
    await alice.tree().receive(message, bob.key, true)
  }
  return { alice, bob, peer, chunks: await chunksOf(bob, 'new.bin') }
}

describe('a peer that lies about a manifest', () => {
  it('is asked for the node itself when what it told is not in it, and never again for an outline', async () => {
    const { alice, bob, peer, chunks } = await asking()
    const asked = await peer.next('askOutline')
    expect(asked).toMatchObject({ space: 1, first: 0, count: chunks.length })
    peer.send({ type: 'outline', request: asked.request, hooks: hooksOf(chunks.map(({ id }) => id)) })
    const { request, references } = await peer.next('askRecipe')
    expect(references.map(({ root }) => Buffer.from(root).toString('hex'))).toEqual([
      Buffer.from(manifestOf(alice, 'old.bin').root).toString('hex'),
    ])
    const forged = [...chunks.slice(1), chunks[0] as ChunkRef]
    peer.send({ type: 'recipe', request, steps: encodeRecipe([{ kind: 'chunks', chunks: forged }]) })
    const want = await peer.next('want')
    expect(want.ids).toEqual(Uint8Array.from(manifestOf(bob, 'new.bin').root))
    expect(alice.log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('what is not in it') as string }),
    )
    peer.send({ type: 'absent', request: want.request, indexes: [0] })
    await bob.write({ 'newer.bin': Buffer.concat([MIXED, LARGE]) })
    for (const message of await bob.tree().receive(alice.tree().hello(), alice.key, true)) {
      await alice.tree().receive(message, bob.key, true)
    }
    await peer.next('want')
    expect(peer.received.map(({ type }) => type)).not.toContain('askOutline')
  })

  it.each<[string, (chunks: ChunkRef[]) => Uint8Array]>([
    ['cut short', (chunks) => encodeRecipe([{ kind: 'chunks', chunks }]).subarray(0, -1)],
    ['of too many chunks', (chunks) => encodeRecipe([{ kind: 'chunks', chunks: [...chunks, ...chunks] }])],
    ['of too few', (chunks) => encodeRecipe([{ kind: 'chunks', chunks: chunks.slice(1) }])],
    ['of places that nobody named', () => encodeRecipe([{ kind: 'copy', position: 70_000, count: 1 }])],
  ])('is cut for a recipe that is %s', async (_, steps) => {
    const { peer, chunks } = await asking()
    const { request } = await peer.next('askOutline')
    peer.send({ type: 'outline', request, hooks: hooksOf(chunks.map(({ id }) => id)) })
    const asked = await peer.next('askRecipe')
    peer.send({ type: 'recipe', request: asked.request, steps: steps(chunks) })
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
  })

  it('is cut for a recipe in the place of an outline', async () => {
    const { peer } = await asking()
    const { request } = await peer.next('askOutline')
    peer.send({ type: 'recipe', request, steps: new Uint8Array() })
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
  })

  it('is asked for the node itself when it tells nothing', async () => {
    const { bob, peer } = await asking()
    const { request } = await peer.next('askOutline')
    peer.send({ type: 'outline', request, hooks: new Uint8Array() })
    expect((await peer.next('want')).ids).toEqual(Uint8Array.from(manifestOf(bob, 'new.bin').root))
  })
})

describe('a chunk that is made of pieces', () => {
  it('is asked for where what it was made of is something else, and its peer for no outline again', async () => {
    const { alice, peer, chunks } = await asking()
    const { request } = await peer.next('askOutline')
    peer.send({ type: 'outline', request, hooks: hooksOf(chunks.map(({ id }) => id)) })
    const asked = await peer.next('askRecipe')
    const old = new Set((await chunksOf(alice, 'old.bin')).map(({ id }) => id))
    const steps = chunks.map((chunk) =>
      old.has(chunk.id)
        ? { kind: 'chunks' as const, chunks: [chunk] }
        : { kind: 'made' as const, chunk, pieces: [{ kind: 'bytes' as const, bytes: new Uint8Array(chunk.length) }] },
    )
    peer.send({ type: 'recipe', request: asked.request, steps: encodeRecipe(steps) })
    const want = await peer.next('want')
    expect(want.manifest?.ranges.length).toBeGreaterThan(0)
    expect(alice.log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('what is not in it') as string }),
    )
  })

  it('is asked for where what it is made of is not here', async () => {
    const { peer, chunks } = await asking()
    const { request } = await peer.next('askOutline')
    peer.send({ type: 'outline', request, hooks: hooksOf(chunks.map(({ id }) => id)) })
    const asked = await peer.next('askRecipe')
    const [first, ...rest] = chunks as [ChunkRef, ...ChunkRef[]]
    const beyond = { kind: 'part' as const, position: 0, offset: 262_144 - first.length, length: first.length }
    const steps = encodeRecipe([
      { kind: 'made', chunk: first, pieces: [beyond] },
      { kind: 'chunks', chunks: rest },
    ])
    peer.send({ type: 'recipe', request: asked.request, steps })
    expect((await peer.next('want')).manifest?.ranges[0]?.first).toBe(0)
  })
})

describe('edges of what is known', () => {
  const bytesOf = new Map<string, Uint8Array>()
  let drawn = 0
  const chunk = (...parts: Uint8Array[]): ChunkRef => {
    const bytes = Buffer.concat(parts)
    const id = chunkId.parse((++drawn).toString(16).padStart(64, '0'))
    bytesOf.set(id, bytes)
    return { id, length: bytes.length }
  }
  const read = (ids: readonly string[]) => Promise.resolve(ids.map((id) => bytesOf.get(id)))
  const copy = (position: number, count = 1) => ({ kind: 'copy' as const, position, count })
  const spelled = (...chunks: ChunkRef[]) => ({ kind: 'chunks' as const, chunks })
  const [a, b, c] = [1, 2, 3].map((seed) => pseudoRandomBytes(seed, 1000)) as [Uint8Array, Uint8Array, Uint8Array]

  it('are made of the bytes behind what comes before them and before what comes behind them', async () => {
    const list = [chunk(a), chunk(b, c), chunk(c, a), chunk(b)]
    const edge = chunk(b, Buffer.from('seam'), a)
    expect(await makeEdges([copy(0), spelled(edge), copy(3)], list, read)).toEqual([
      copy(0),
      {
        kind: 'made',
        chunk: edge,
        pieces: [
          { kind: 'part', position: 1, offset: 0, length: 1000 },
          { kind: 'bytes', bytes: Buffer.from('seam') },
          { kind: 'part', position: 2, offset: 1000, length: 1000 },
        ],
      },
      copy(3),
    ])
  })

  it('may reach over several chunks, here and there', async () => {
    const list = [chunk(b.subarray(0, 300)), chunk(b.subarray(300)), chunk(a)]
    const [first, second] = [chunk(b.subarray(100, 700)), chunk(b.subarray(700))]
    expect(await makeEdges([spelled(first, second), copy(2)], list, read)).toEqual([
      {
        kind: 'made',
        chunk: first,
        pieces: [
          { kind: 'part', position: 0, offset: 100, length: 200 },
          { kind: 'part', position: 1, offset: 0, length: 400 },
        ],
      },
      { kind: 'made', chunk: second, pieces: [{ kind: 'part', position: 1, offset: 400, length: 300 }] },
      copy(2),
    ])
  })

  it('stay as they are where more than a quarter is new, or nothing beside them is known', async () => {
    const list = [chunk(a), chunk(b)]
    const steps = [copy(0), spelled(chunk(b.subarray(0, 700), c)), copy(0)]
    expect(await makeEdges(steps, list, read)).toEqual(steps)
    expect(await makeEdges([spelled(chunk(c))], list, read)).toHaveLength(1)
  })

  it('are looked at only at both ends of much that is new', async () => {
    const list = [chunk(a), chunk(b), chunk(c), chunk(a)]
    const middle = Array.from({ length: 20 }, (_, seed) => chunk(pseudoRandomBytes(50 + seed, 500)))
    const [head, tail] = [chunk(b), chunk(c)]
    const made = await makeEdges([copy(0), spelled(head, ...middle, tail), copy(3)], list, read)
    expect(made.map(({ kind }) => kind)).toEqual(['copy', 'made', 'chunks', 'made', 'copy'])
    expect(made[2]).toEqual(spelled(...middle))
  })
})

describe('what a peer learns by asking about manifests', () => {
  async function twoSpaces(): Promise<{ alice: TestDevice; peer: RawPeer }> {
    const alice = await TestDevice.open('alice', NAMES, { spaces: [HOME, WORK] })
    await alice.members(WORK).remove(mallory)
    await alice.write({ 'secret.bin': LARGE }, WORK)
    await alice.write({ 'open.bin': MIXED })
    return { alice, peer: await RawPeer.greet(alice, mallory, [HOME, WORK], [1]) }
  }

  it('is the same nothing for another space, a manifest that is nowhere, and an unknown space', async () => {
    const { alice, peer } = await twoSpaces()
    const secret = manifestOf(alice, 'secret.bin', WORK)
    for (const [request, space, manifest] of [
      [1, 100, secret],
      [2, 101, secret],
      [3, 999, secret],
      [4, 100, { ...secret, root: new Uint8Array(32) }],
      [5, 100, { ...secret, size: secret.size + 1 }],
    ] as const) {
      peer.send({ type: 'askOutline', request, space, manifest, first: 0, count: manifest.chunks })
      expect(await peer.next('outline')).toEqual({ type: 'outline', request, hooks: new Uint8Array() })
      const references = [{ ...manifest, ranges: [{ first: 0, count: manifest.chunks }] }]
      peer.send({ type: 'askRecipe', request, space, manifest, first: 0, count: manifest.chunks, references })
      expect(await peer.next('recipe')).toEqual({ type: 'recipe', request, steps: new Uint8Array() })
    }
  })

  it('is nothing of a manifest in another space that it refers to: every chunk is spelled out', async () => {
    const { alice, peer } = await twoSpaces()
    const manifest = manifestOf(alice, 'open.bin')
    const secret = manifestOf(alice, 'secret.bin', WORK)
    const references = [{ ...secret, ranges: [{ first: 0, count: secret.chunks }] }]
    peer.send({ type: 'askRecipe', request: 1, space: 100, manifest, first: 0, count: manifest.chunks, references })
    const { steps } = await peer.next('recipe')
    expect(steps).toEqual(new Uint8Array(encodeRecipe([{ kind: 'chunks', chunks: await chunksOf(alice, 'open.bin') }])))
  })

  it('comes in turn, and past eight questions at once is nothing', async () => {
    const { alice, peer } = await twoSpaces()
    const manifest = manifestOf(alice, 'open.bin')
    for (let request = 1; request <= 30; request++) {
      peer.send({ type: 'askOutline', request, space: 100, manifest, first: 0, count: manifest.chunks })
    }
    const told: Extract<Message, { type: 'outline' }>[] = []
    while (told.length < 30) told.push(await peer.next('outline'))
    expect(told.filter(({ hooks }) => hooks.length === 0).length).toBeGreaterThan(0)
    expect(told.find(({ request }) => request === 1)?.hooks.length).toBeGreaterThan(0)
  })
})

describe('a recipe', () => {
  const ref = (id: number, length = 1 + id): ChunkRef => ({
    id: chunkId.parse(id.toString(16).padStart(64, '0')),
    length,
  })
  const refs = (length: { minLength?: number; maxLength: number }) =>
    fc.array(fc.nat({ max: 40 }), length).map((ids) => ids.map((id) => ref(id)))
  const list = fc.array(fc.option(fc.nat({ max: 40 }), { nil: undefined }), { maxLength: 60 })

  it('gives back the chunks it was made of, whatever the list', async () => {
    await fc.assert(
      fc.asyncProperty(refs({ minLength: 1, maxLength: 60 }), list, async (chunks, ids) => {
        const known = ids.map((id) => (id === undefined ? undefined : ref(id)))
        expect(followRecipe(await makeRecipe(chunks, known), known)).toEqual(chunks)
      }),
    )
  })

  it('is one step for a run of the list, and follows it over a chunk that comes twice', async () => {
    const known = [1, 2, 3, 2, 5, 6].map((id) => ref(id))
    expect(await makeRecipe(known.slice(2), known)).toEqual([{ kind: 'copy', position: 2, count: 4 }])
  })

  it('spells out a chunk whose length is another', async () => {
    const steps = await makeRecipe([ref(1, 7)], [ref(1, 8)])
    expect(steps).toEqual([{ kind: 'chunks', chunks: [ref(1, 7)] }])
  })
})

describe('samples of manifests', () => {
  const id = (first: string, number: number) => chunkId.parse(first + number.toString(16).padStart(63, '0'))
  const manifest = (root: number, chunkCount: number) => ({
    content: { kind: 'manifest' as const, root: id('f', root), depth: 2, chunkCount },
    size: chunkCount,
  })

  it('name the chunks around what an outline has in common, in blocks, within the manifest', () => {
    const samples = new ReferenceSamples()
    const one = manifest(1, 10_000)
    const chunks = Array.from({ length: 4096 }, (_, at) => ({ id: id('f', at), length: 1 }))
    chunks[100] = { id: id('0', 1), length: 1 }
    samples.add(one, { first: 8192, offset: 0, chunks: chunks.slice(0, 1808) })
    const hooks = hooksOf([id('0', 1), id('7', 2)])
    expect(samples.find(hooks)).toEqual([{ ...one, ranges: [{ first: 7680, count: 1024 }] }])
  })

  it('know nothing of an outline that has nothing in common', () => {
    expect(new ReferenceSamples().find(hooksOf([id('0', 1)]))).toEqual([])
  })
})
