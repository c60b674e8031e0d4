import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { NodeContent, NodeId } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { encodeChunks, encodeMessage } from '@dittofs/wire'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { packContent } from '../packages/metadata/src/content-codec.ts'
import { newNodeId, ROOT_ID } from '../packages/metadata/src/node-id.ts'
import type { StateRecord } from '../packages/metadata/src/record.ts'
import { EMPTY_VECTOR } from '../packages/metadata/src/version-vector.ts'
import { HostilePeer } from './support/hostile-peer.ts'
import { onLoopback } from './support/lan.ts'
import { peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'
import { randomBytes } from './support/tree.ts'

const WRITER = 123_456_789
let nextSeed = 1
const random = (size: number) => randomBytes(size, nextSeed++)

const emptyFile: NodeContent = {
  kind: 'file',
  file: { size: 0, mtimeNs: 1n, mode: 0o644, content: { kind: 'inline', chunks: [] } },
}

/** An entry for a node, with a name and content that nobody has checked. */
function entry(t: number, node: NodeId, parent: NodeId, name: string, content: NodeContent): StateRecord {
  const size = content.kind === 'file' ? content.file.size : 0
  return {
    type: 'state',
    node,
    placement: { t, parent, name },
    version: { t, vector: EMPTY_VECTOR, content: packContent(content), size },
  }
}

describe('a paired device that turns hostile', () => {
  let directory: string
  let alice: ProcessDevice
  let mallory: HostilePeer

  beforeEach(async () => {
    directory = await temporaryDirectory()
    ;[alice] = onLoopback(directory, ['alice'])
    await alice.start()
    const ticket = (await alice.must('invite')).trim()
    mallory = await HostilePeer.pair(ticket, peerAddress(alice), path.join(directory, 'mallory'))
    onTestFinished(() => mallory.close())
  })

  /** The daemon is the process it was, answers, and has nothing damaged. */
  async function expectUnharmed(): Promise<void> {
    const { isDaemonRunning } = await alice.json<{ isDaemonRunning: boolean }>('status')
    expect(isDaemonRunning).toBe(true)
    expect(await alice.json('verify')).toMatchObject({ damaged: [] })
  }

  it.each([
    ['announces a frame of 2 GiB', Buffer.from('80000000', 'hex'), 'DITTO_LIMIT'],
    ['sends an empty frame', Buffer.from('00000000', 'hex'), 'DITTO_PROTOCOL'],
    ['sends a message that is no CBOR', Buffer.from('0000000402ffffff', 'hex'), 'DITTO_PROTOCOL'],
  ])('who %s is cut off, and the code is logged', async (_, bytes, code) => {
    const session = await mallory.connect()
    session.sendRaw(bytes)
    await session.ended
    await expectUnharmed()
    await expect.poll(() => alice.log).toContain(`"code":"${code}"`)
  })

  it.each([
    ['garbage', random(2000)],
    ['an update that is cut short', Buffer.from('020a01', 'hex')],
    ['an update that claims 2^50 structs', Buffer.from('020a0180808080808080800100', 'hex')],
    ['a deletion of everything', Buffer.from('020700010101000164', 'hex')],
  ])('who sends %s as a Yjs update changes nothing', async (_, bytes) => {
    const session = await mallory.connect()
    session.sendMetadata(bytes)
    expect(await session.ended).toMatch(/^DITTO_(UPDATE_INVALID|UPDATE_GAP|LIMIT|PROTOCOL)$/)
    expect(await alice.json('list')).toEqual([])
    await expectUnharmed()
  })

  it('who sends content nobody asked for is cut off', async () => {
    const session = await mallory.connect()
    session.send(...encodeChunks(7, [{ index: 0, bytes: random(1000) }]))
    expect(await session.ended).toBe('DITTO_PROTOCOL')
    await expectUnharmed()
  })

  it('who asks for a space or a chunk it may not have hears the same as of one that does not exist', async () => {
    const session = await mallory.connect()
    for (const [request, space] of [
      [1, 1],
      [2, 99],
    ] as const) {
      session.send(encodeMessage({ type: 'want', request, space, ids: random(32) }))
    }
    for (const request of [1, 2]) {
      expect(
        await session.received((message) => message.type === 'absent' && message.request === request),
      ).toMatchObject({
        indexes: [0],
      })
    }
    await expectUnharmed()
  })

  it('who names entries "..", absolute, with a NUL or ours, makes nothing outside of what is written out', async () => {
    const names = ['..', '.', '', '/etc/passwd', '../../escaped', 'nul\0name', '.dittofs-temporary', 'x'.repeat(300)]
    const records = names.map((name, i) => entry(i + 1, newNodeId('file', random), ROOT_ID, name, emptyFile))
    const good = newNodeId('directory', random)
    records.push(entry(100, good, ROOT_ID, 'good', { kind: 'directory', directory: { mode: 0o755, mtimeNs: 1n } }))
    const session = await mallory.connect()
    session.sendMetadata(mallory.log(WRITER, records))
    await untilListed(alice, 'good')
    expect((await alice.json<{ path: string }[]>('list')).map((listed) => listed.path)).toEqual(['good'])
    const output = path.join(directory, 'inner', 'out')
    await mkdir(path.dirname(output))
    await alice.run('get', '/', '-o', output)
    expect(await readdir(path.dirname(output))).toEqual(['out'])
    expect(await readdir(output)).toEqual(['good'])
    await expectUnharmed()
  })

  it('who plants a symlink to outside, and a file to be written through it, writes nothing there', async () => {
    const outside = path.join(directory, 'outside')
    await mkdir(outside)
    const link = newNodeId('symlink', random)
    const tree = newNodeId('directory', random)
    const asDirectory: NodeContent = { kind: 'directory', directory: { mode: 0o755, mtimeNs: 1n } }
    const session = await mallory.connect()
    session.sendMetadata(
      mallory.log(WRITER, [
        entry(1, tree, ROOT_ID, 'tree', asDirectory),
        entry(2, link, tree, 'door', { kind: 'symlink', symlink: { target: outside, mtimeNs: 1n } }),
        // A child of the symlink itself, and a directory of the same name with a child of its own.
        entry(3, newNodeId('file', random), link, 'through the link', emptyFile),
        entry(4, 'dAAAAAAAAAAAAAAAA' as NodeId, tree, 'door', asDirectory),
        entry(5, newNodeId('file', random), 'dAAAAAAAAAAAAAAAA' as NodeId, 'planted', emptyFile),
      ]),
    )
    await untilListed(alice, 'tree')
    await alice.run('get', 'tree', '-o', path.join(directory, 'out'))
    await alice.run('get', 'tree', '-o', path.join(directory, 'out'))
    expect(await readdir(outside)).toEqual([])
    await expectUnharmed()
  })

  it('whose manifest lies about hash or length gets its lie refused, and no file is written', async () => {
    const chunk = random(1000)
    const lie = (name: string, length: number, t: number) =>
      entry(t, newNodeId('file', random), ROOT_ID, name, {
        kind: 'file',
        file: {
          size: length,
          mtimeNs: 1n,
          mode: 0o644,
          content: { kind: 'inline', chunks: [{ id: 'ab'.repeat(32) as never, length }] },
        },
      })
    const session = await mallory.connect()
    session.sendMetadata(mallory.log(WRITER, [lie('hash.bin', 1000, 1), lie('length.bin', 2000, 2)]))
    const want = await session.received((message) => message.type === 'want')
    if (want.type !== 'want') throw new Error('no request')
    session.send(...encodeChunks(want.request, [{ index: 0, bytes: chunk }]))
    expect(await session.ended).toMatch(/^DITTO_(CHUNK_CORRUPT|PROTOCOL)$/)
    for (const name of ['hash.bin', 'length.bin']) {
      const { status } = await alice.run('get', name, '-o', path.join(directory, name))
      expect(status).not.toBe(0)
    }
    expect((await readdir(directory)).filter((name) => name.endsWith('.bin'))).toEqual([])
    await expectUnharmed()
  })

  it('who was removed is out at once and does not come back', async () => {
    const session = await mallory.connect()
    const devices = await alice.json<{ id: string; isSelf: boolean }[]>('devices')
    const { id } = devices.find((device) => !device.isSelf)!
    await alice.must('devices', 'remove', id)
    await session.ended
    const again = mallory.connect().then(async (session) => session.ended)
    await expect(again).rejects.toThrow()
    expect(await readFile(path.join(alice.home, 'config.toml'), 'utf8')).not.toBe('')
    await expectUnharmed()
  })
})

/** Waits until the device lists the path, by asking it again and again. */
async function untilListed(device: ProcessDevice, wanted: string): Promise<void> {
  const paths = async () => (await device.json<{ path: string }[]>('list')).map((listed) => listed.path)
  await expect.poll(paths).toContain(wanted)
}
