import { chunkIdOf, loadBlake3, ManifestBuilder } from '@dittofs/chunk-store'
import { type Chunk, DittoError, MAX_FRAME_BYTES, MAX_QUEUED_ANSWER_BYTES } from '@dittofs/interface'
import { ManualClock, pseudoRandomBytes, settle, turnClock } from '@dittofs/testing'
import { MESSAGE_TYPE } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import { MAX_REQUEST_BYTES } from '../src/requester.ts'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob']

describe('memory', () => {
  it('stays within the budget when the store is slower than the network', async () => {
    const limit = 1024 * 1024
    const bob = await TestDevice.open('bob', NAMES)
    // So large that the window grows to where requests are as large as they get: time, which would tell how fast the link
    // is, stands still.
    await bob.write({ 'large.bin': pseudoRandomBytes(20, 6 * MAX_REQUEST_BYTES) })
    const alice = await TestDevice.open('alice', NAMES, { maxTransferBytes: limit, clock: new ManualClock() })
    const put = alice.chunks.put.bind(alice.chunks)
    let highest = 0
    alice.chunks.put = async (space, chunks, options) => {
      highest = Math.max(highest, alice.engine.transferBytes)
      // Slower than the network: it begins once nothing more comes.
      for (let before = -1; before !== alice.engine.transferBytes; ) {
        before = alice.engine.transferBytes
        await settle()
      }
      return put(space, chunks, options)
    }
    connect(alice, bob)
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    // While a byte of it is left one request goes out, whatever its size, so that a small budget never stops everything.
    expect(highest).toBeLessThanOrEqual(limit - 1 + MAX_REQUEST_BYTES)
    expect(highest).toBeGreaterThanOrEqual(limit)
  })

  it('is not filled by a peer that asks and does not read', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bytes = pseudoRandomBytes(21, 11_000_000)
    await alice.write({ 'large.bin': bytes })
    const content = alice.tree().lookup('large.bin')?.file?.content
    if (content?.kind !== 'manifest') throw new TypeError('a large file has a manifest')
    let readBytes = 0
    const getMany = alice.chunks.getMany.bind(alice.chunks)
    alice.chunks.getMany = async function* (space, ids, options) {
      for await (const batch of getMany(space, ids, options)) {
        for (const item of batch) readBytes += item.bytes?.length ?? 0
        yield batch
      }
    }
    const peer = await RawPeer.greet(alice, keyOf('bob'), [HOME])
    peer.stopReading()
    const { root, depth, chunkCount } = content
    for (let request = 1; request <= 64; request++) {
      const ranges = [{ first: 0, count: chunkCount }]
      peer.send({
        type: 'want',
        request,
        space: 100,
        manifest: { root: Buffer.from(root, 'hex'), depth, chunks: chunkCount, size: bytes.length, ranges },
      })
    }
    await expect.poll(() => readBytes).toBeGreaterThan(2 * MAX_FRAME_BYTES)
    // Until it reads no more.
    for (let before = -1; before !== readBytes; ) {
      before = readBytes
      for (let i = 0; i < 20; i++) await settle()
    }
    // One frame is in the peer's hands, two fill the link, one waits for room on it; the rest are the answers queued.
    expect(readBytes).toBeLessThanOrEqual(MAX_QUEUED_ANSWER_BYTES + 4 * MAX_FRAME_BYTES)
  })
})

describe('a store that takes nothing more', () => {
  it('stops the fetching, says why, and goes on once it does', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'a.bin': pseudoRandomBytes(22, 3_000_000) })
    const alice = await TestDevice.open('alice', NAMES, { clock: turnClock(200) })
    const put = alice.chunks.put.bind(alice.chunks)
    const full = new DittoError('DITTO_NO_SPACE', 'The disk is full.')
    let isFull = true
    alice.chunks.put = async (...args) => {
      if (isFull) throw full
      return put(...args)
    }
    connect(alice, bob)
    await expect.poll(() => alice.engine.spaceState(HOME)?.blockedBy).toBe(full)
    const wanted = alice.tree().lookup('a.bin')?.file
    isFull = false
    await expect.poll(() => alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, isSettled: true })
    expect(alice.engine.spaceState(HOME)).not.toHaveProperty('blockedBy')
    expect(wanted).toBeDefined()
    expect(await alice.files()).toEqual(await bob.files())
    expect(alice.engine.transferBytes).toBe(0)
  })
})

describe('a disk with little room', () => {
  it('gets what a person asks for; the rest counts as missing until there is room', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'a.bin': pseudoRandomBytes(23, 9_000_000), 'b.bin': pseudoRandomBytes(24, 900_000) })
    let bytes = 2_000_000
    const room = {
      bytes: () => bytes,
      take: (asked: number) => {
        bytes -= asked
      },
    }
    const alice = await TestDevice.open('alice', NAMES, { room })
    connect(alice, bob)
    await alice.upToDate()
    const state = alice.engine.spaceState(HOME)
    expect(state).toMatchObject({ isWaitingForRoom: true, isSettled: true })
    expect(state?.storedBytes).toBeLessThan(6_000_000)
    expect((state?.storedBytes ?? 0) + (state?.missingBytes ?? 0)).toBeGreaterThanOrEqual(9_900_000)
    const wanted = alice.tree().lookup('b.bin')?.file
    if (wanted === undefined) throw new TypeError('the metadata is here')
    await alice.engine.ensure(HOME, [wanted])
    expect((await alice.files())['b.bin']).toBe((await bob.files())['b.bin'])
    expect(alice.engine.spaceState(HOME)?.isWaitingForRoom).toBe(true)
    bytes = 1_000_000_000
    alice.engine.roomChanged()
    await alice.upToDate()
    expect(await alice.files()).toEqual(await bob.files())
    expect(alice.engine.spaceState(HOME)).toMatchObject({ isWaitingForRoom: false, missingChunks: 0 })
  })
})

describe('large manifests', () => {
  it('are fetched level by level, and their chunks asked for by place', async () => {
    const blake3 = loadBlake3()
    const idOf = (bytes: Uint8Array) => chunkIdOf(blake3, bytes)
    const builder = new ManifestBuilder(idOf)
    const chunks: Chunk[] = []
    for (let i = 0; i < 4500; i++) {
      const bytes = pseudoRandomBytes(1000 + i, 20)
      const chunk = { id: idOf(bytes), bytes }
      chunks.push(chunk)
      builder.add({ id: chunk.id, length: 20 })
    }
    const content = builder.finish()
    const bob = await TestDevice.open('bob', NAMES)
    await bob.chunks.put(HOME, [...chunks, ...builder.takeNodes()])
    await bob
      .tree()
      .transact([{ type: 'write', path: 'many.bin', file: { size: 90_000, content, mode: 0o644, mtimeNs: 1n } }])
    const alice = await TestDevice.open('alice', NAMES)
    const wants: number[] = []
    connect(alice, bob, {
      onFrame: (payload, sender) => {
        if (sender === alice.key && payload[0] === MESSAGE_TYPE.want) wants.push(payload.length)
        return undefined
      },
    })
    await alice.upToDate()
    expect(content).toMatchObject({ kind: 'manifest', depth: 2 })
    expect(await alice.files()).toEqual(await bob.files())
    // The root, its two nodes, and then a few bytes for each 4,096 chunks instead of 128 KiB.
    expect(wants.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1500)
  })

  it('that contradict the metadata are left out, and everything else arrives', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'good.bin': pseudoRandomBytes(23, 800_000), 'bad.bin': pseudoRandomBytes(24, 800_000) })
    const bad = bob.tree().lookup('bad.bin')?.file
    if (bad?.content.kind !== 'manifest') throw new TypeError('a large file has a manifest')
    await bob.tree().transact([{ type: 'write', path: 'bad.bin', file: { ...bad, size: bad.size + 1 } }])
    const alice = await TestDevice.open('alice', NAMES)
    connect(alice, bob)
    await alice.upToDate()
    expect((await alice.files())['good.bin']).toBe((await bob.files())['good.bin'])
    expect(alice.log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('contradicts itself') as string }),
    )
    expect(alice.engine.spaceState(HOME)?.missingBytes).toBe(bad.size + 1)
  })
})
