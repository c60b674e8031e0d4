import { MAX_REQUESTS_IN_FLIGHT } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { encodeChunks, type Message } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import { RawPeer } from './raw-peer.ts'
import { connect, HOME, keyOf, TestDevice, WORK } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol', 'mallory']
const mallory = keyOf('mallory')

/** A device that lacks the bytes of one file, having its metadata. */
async function lacking(bytes: Uint8Array): Promise<{ device: TestDevice; author: TestDevice }> {
  const alice = await TestDevice.open('alice', NAMES)
  const bob = await TestDevice.open('bob', NAMES)
  await bob.write({ 'file.bin': bytes })
  for (const message of await bob.tree().receive(alice.tree().hello(), alice.key, true)) {
    await alice.tree().receive(message, bob.key, true)
  }
  return { device: alice, author: bob }
}

/** The device goes on: another peer can still sync with it. */
async function expectAlive(device: TestDevice): Promise<void> {
  const carol = await TestDevice.open('carol', NAMES)
  await carol.write({ 'alive.txt': Buffer.from('alive') })
  connect(device, carol)
  await expect.poll(() => device.files()).toHaveProperty(['alive.txt'])
}

describe('a session with a hostile peer', () => {
  it('ends when content comes that nobody asked for', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    peer.link.send(...encodeChunks(1, [{ index: 0, bytes: Buffer.from('gift') }]))
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
    expect(await peer.next('bye')).toEqual({ type: 'bye', code: 2 })
    expect((await alice.chunks.stats()).chunks).toBe(0)
    await expectAlive(alice)
  })

  it('ends when an answer names an index that was not asked for, or one twice', async () => {
    for (const indexes of [[1], [0, 0]]) {
      const { device } = await lacking(Buffer.from('wanted'))
      const peer = await RawPeer.greet(device, mallory, [HOME])
      const want = await peer.next('want')
      peer.link.send(
        ...encodeChunks(
          want.request,
          indexes.map((index) => ({ index, bytes: Buffer.from('wanted') })),
        ),
      )
      expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
    }
  })

  it('ends when bytes do not match their hash, and stores none of them', async () => {
    const { device } = await lacking(Buffer.from('wanted'))
    const peer = await RawPeer.greet(device, mallory, [HOME])
    const want = await peer.next('want')
    peer.link.send(...encodeChunks(want.request, [{ index: 0, bytes: Buffer.from('forged') }]))
    expect(await peer.endCode()).toBe('DITTO_CHUNK_CORRUPT')
    expect((await device.chunks.stats()).chunks).toBe(0)
    await expectAlive(device)
  })

  it('refuses a chunk that is not as long as the metadata says, and keeps the link', async () => {
    const { device } = await lacking(Buffer.from('wanted'))
    const peer = await RawPeer.greet(device, mallory, [HOME])
    const want = await peer.next('want')
    peer.link.send(...encodeChunks(want.request, [{ index: 0, bytes: Buffer.from('wanted and more') }]))
    peer.send({ type: 'ping', nonce: 5 })
    expect(await peer.next('pong')).toEqual({ type: 'pong', nonce: 5 })
    expect((await device.chunks.stats()).chunks).toBe(0)
    expect(device.log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('not as long') as string }),
    )
    expect(device.engine.spaceState(HOME)).toMatchObject({ missingChunks: 1 })
  })

  it('takes what is wanted from an honest peer after a hostile one was cut', async () => {
    const { device, author } = await lacking(pseudoRandomBytes(3, 200_000))
    const peer = await RawPeer.greet(device, mallory, [HOME])
    const want = await peer.next('want')
    const content = device.tree().lookup('file.bin')?.file?.content
    const length = content?.kind === 'inline' ? content.chunks[0]?.length : undefined
    peer.link.send(...encodeChunks(want.request, [{ index: 0, bytes: new Uint8Array(length ?? 0) }]))
    expect(await peer.endCode()).toBe('DITTO_CHUNK_CORRUPT')
    connect(device, author)
    await device.upToDate()
    expect(device.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0 })
  })

  it(`ends at the request past ${MAX_REQUESTS_IN_FLIGHT}`, async () => {
    const alice = await TestDevice.open('alice', NAMES)
    let release: () => void = () => undefined
    const disk = new Promise<void>((resolve) => {
      release = resolve
    })
    alice.chunks.getMany = async function* () {
      await disk
      yield []
    }
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    for (let request = 1; request <= MAX_REQUESTS_IN_FLIGHT + 1; request++) {
      peer.send({ type: 'want', request, space: 100, ids: new Uint8Array(32 * 4096) })
    }
    expect(await peer.endCode()).toBe('DITTO_LIMIT')
    release()
  })

  it('ends when a request takes the number of an open one', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    for (let i = 0; i < 2; i++) peer.send({ type: 'want', request: 7, space: 100, ids: new Uint8Array(32 * 4096) })
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
  })

  it('skips frames of unknown types', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    for (const type of [0x7f, 0xee, 0xff]) peer.link.send(Uint8Array.of(type, 1, 2, 3))
    peer.send({ type: 'ping', nonce: 6 })
    expect(await peer.next('pong')).toEqual({ type: 'pong', nonce: 6 })
  })

  it.each([
    ['garbage', pseudoRandomBytes(4, 500)],
    ['nothing', new Uint8Array()],
    ['an update cut short', Uint8Array.of(2, 200, 1)],
  ])('ends with a code when the metadata is %s', async (_, bytes) => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    peer.sendMetadata(100, bytes)
    expect(await peer.endCode()).toBe('DITTO_UPDATE_INVALID')
    await expectAlive(alice)
  })

  it('ends with a code when metadata breaks the store in a way nobody thought of', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    alice.tree().receive = () => Promise.reject(new TypeError('a mistake'))
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    peer.sendMetadata(100, Uint8Array.of(1))
    expect(await peer.endCode()).toBe('DITTO_INTERNAL')
    expect(await peer.next('bye')).toEqual({ type: 'bye', code: 1 })
  })

  it('ends when a message cannot be read', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    peer.link.send(Uint8Array.of(0x40, 0xff))
    expect(await peer.endCode()).toBe('DITTO_PROTOCOL')
  })

  it.each<[string, Parameters<RawPeer['send']>[0]]>([
    ['anything before its hello', { type: 'ping', nonce: 1 }],
    ['a version nobody speaks', { type: 'hello', versions: [999], instance: new Uint8Array(16) }],
  ])('ends when the peer says %s', async (what, message) => {
    const alice = await TestDevice.open('alice', NAMES)
    const peer = new RawPeer(alice, mallory)
    peer.send(message)
    expect(await peer.endCode()).toBe(what.includes('version') ? 'DITTO_PROTOCOL_VERSION' : 'DITTO_PROTOCOL')
  })
})

describe('what a member of one space learns of another', () => {
  /** Alice holds the same file in both spaces; mallory is a member of `home` only. */
  async function twoSpaces(): Promise<{ alice: TestDevice; ids: Uint8Array; bytes: Uint8Array }> {
    const alice = await TestDevice.open('alice', NAMES, { spaces: [HOME, WORK] })
    await alice.members(WORK).remove(mallory)
    const bytes = pseudoRandomBytes(5, 10_000)
    await alice.write({ 'secret.bin': bytes }, WORK)
    const content = alice.tree(WORK).lookup('secret.bin')?.file?.content
    if (content?.kind !== 'inline') throw new TypeError('a small file is inline')
    return { alice, bytes, ids: Buffer.from(content.chunks.map(({ id }) => id).join(''), 'hex') }
  }

  it('is not told of it, although it names it', async () => {
    const { alice } = await twoSpaces()
    const peer = await RawPeer.greet(alice, mallory, [HOME, WORK])
    await peer.next('progress')
    const named = peer.received.flatMap((message: Message) => (message.type === 'spaces' ? message.spaces : []))
    expect(new Set(named.map(({ id }) => Buffer.from(id).toString('hex')))).toEqual(new Set([HOME]))
  })

  it('gets the same answer for a chunk of it, a chunk that is nowhere, and an unknown space', async () => {
    const { alice, ids } = await twoSpaces()
    const peer = await RawPeer.greet(alice, mallory, [HOME, WORK])
    for (const [request, space, wanted] of [
      [1, 100, ids], // through the space it is a member of
      [2, 101, ids], // through the other
      [3, 100, new Uint8Array(32)], // a chunk that is nowhere
      [4, 999, ids], // a space that it never named
    ] as const) {
      peer.send({ type: 'want', request, space, ids: wanted })
      expect(await peer.next('absent')).toEqual({ type: 'absent', request, indexes: [0] })
    }
  })

  it('is asked for bytes of its own space although they are held in the other', async () => {
    const { alice, ids, bytes } = await twoSpaces()
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write({ 'mine.bin': bytes })
    // Bob's metadata, through mallory: silence about the chunk would tell that alice has it.
    for (const message of await bob.tree().receive(alice.tree().hello(), alice.key, true)) {
      await alice.tree().receive(message, mallory, true)
    }
    const peer = await RawPeer.greet(alice, mallory, [HOME])
    const want = await peer.next('want')
    expect(Buffer.from(want.ids ?? []).toString('hex')).toBe(Buffer.from(ids).toString('hex'))
  })

  it('cannot send metadata for it', async () => {
    const { alice } = await twoSpaces()
    const before = alice.tree(WORK).digest()
    const peer = await RawPeer.greet(alice, mallory, [HOME, WORK])
    peer.sendMetadata(101, pseudoRandomBytes(4, 500))
    peer.send({ type: 'ping', nonce: 9 })
    expect(await peer.next('pong')).toEqual({ type: 'pong', nonce: 9 })
    expect(alice.tree(WORK).digest()).toEqual(before)
  })
})
