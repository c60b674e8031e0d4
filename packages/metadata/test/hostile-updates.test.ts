import { DittoError, isDittoError } from '@dittofs/interface'
import { seededRandom } from '@dittofs/testing'
import * as encoding from 'lib0/encoding'
import { beforeEach, describe, expect, it } from 'vitest'
import { messageYjsUpdate } from 'y-protocols/sync'
import * as Y from 'yjs'
import { encodeVector } from '../src/exchange.ts'
import { logName } from '../src/log-run.ts'
import { encodeRecord } from '../src/record-codec.ts'
import { writerStatement } from '../src/update-guard.ts'
import type { YjsMetadataStore } from '../src/yjs-metadata-store.ts'
import { IS_LONG_RUN } from './long-run.ts'
import { fileOf, openStore, SPACE, testDevice, treeOf } from './memory-space.ts'

const MALLORY = testDevice('mallory')
const WRITER = 4711

function updateMessage(update: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, messageYjsUpdate)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

/** The first entry of a log of Mallory's, rightly signed. */
function ownLogEntry(writer = WRITER): string {
  return encodeRecord({ type: 'writer', device: MALLORY.key, signature: MALLORY.sign(writerStatement(SPACE, writer)) })
}

/** What Yjs makes of something done to a document as a writer. */
function yjsUpdate(change: (doc: Y.Doc) => void, writer = WRITER): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = writer
  change(doc)
  return Y.encodeStateAsUpdate(doc)
}

describe('a peer’s update', () => {
  let store: YjsMetadataStore
  let shown: string[]

  beforeEach(async () => {
    store = await openStore('alice')
    await store.transact([{ type: 'write', path: 'a/b', file: fileOf('b') }])
    shown = await treeOf(store)
  })

  const expectUnharmed = async () => {
    expect(await treeOf(store)).toEqual(shown)
    const all = [...(await store.receive(encodeVector(new Map()), MALLORY.key, true))]
    const other = await openStore('bob')
    for (const message of all) await other.receive(message, MALLORY.key, true)
    expect(other.digest()).toEqual(store.digest())
  }

  const log = (doc: Y.Doc, writer = WRITER) => doc.getArray<string | Uint8Array | number>(logName(writer))

  it('is taken when it is a log that says, signed, whose it is', async () => {
    await store.receive(updateMessage(yjsUpdate((doc) => log(doc).push([ownLogEntry()]))), MALLORY.key, true)
    await expectUnharmed()
  })

  it('is taken with entries this version cannot read, which change nothing', async () => {
    const update = yjsUpdate((doc) => log(doc).push([ownLogEntry(), 'AAAA', 'not base64!']))
    await store.receive(updateMessage(update), MALLORY.key, true)
    await expectUnharmed()
  })

  it('deletes nothing, though its delete set covers everything', async () => {
    const [own] = [...(await store.receive(encodeVector(new Map()), MALLORY.key, true))] as [Uint8Array]
    const encoder = encoding.createEncoder()
    for (const value of [0, 1, [...storeWriters(own)][0] as number, 1, 0, 1000]) encoding.writeVarUint(encoder, value)
    await store.receive(updateMessage(encoding.toUint8Array(encoder)), MALLORY.key, true)
    await expectUnharmed()
  })

  it.each<readonly [string, (doc: Y.Doc) => void]>([
    ['a root that is no log', (doc) => doc.getArray('files').push(['x'])],
    ['a map', (doc) => doc.getMap(logName(WRITER)).set('x', 'y')],
    ['a text', (doc) => doc.getText(logName(WRITER)).insert(0, 'x')],
    ['another’s log', (doc) => log(doc, 99).push([ownLogEntry()])],
    ['a number', (doc) => log(doc).push([ownLogEntry(), 7])],
    ['a nested type', (doc) => doc.getArray<unknown>(logName(WRITER)).push([new Y.Map()])],
    ['bytes', (doc) => log(doc).push([ownLogEntry(), new Uint8Array(3)])],
    ['a page break out of place', (doc) => log(doc).push([ownLogEntry(), new Uint8Array(0)])],
    ['entries across a page break', (doc) => log(doc).push([ownLogEntry(), ...new Array<string>(600).fill('AA==')])],
    [
      'an entry put before others',
      (doc) => {
        log(doc).push([ownLogEntry()])
        log(doc).insert(0, ['AA=='])
      },
    ],
    ['an empty entry', (doc) => log(doc).push([ownLogEntry(), ''])],
    ['an entry of 100 KB', (doc) => log(doc).push([ownLogEntry(), 'A'.repeat(100_000)])],
    ['an entry that is not ASCII', (doc) => log(doc).push([ownLogEntry(), 'é'])],
    ['a log without its writer', (doc) => log(doc).push(['AA=='])],
    ['a log signed for another writer', (doc) => log(doc).push([ownLogEntry(5)])],
    [
      'a log whose first entry is deleted',
      (doc) => {
        log(doc).push([ownLogEntry(), 'AA=='])
        log(doc).delete(0, 1)
      },
    ],
  ])('is refused whole for %s', async (_what, change) => {
    const update = updateMessage(yjsUpdate(change))
    await expect(store.receive(update, MALLORY.key, true)).rejects.toMatchObject({ code: 'DITTO_UPDATE_INVALID' })
    await expectUnharmed()
  })

  it('is refused for a forged signature', async () => {
    const signature = MALLORY.sign(writerStatement(SPACE, WRITER))
    const entry = encodeRecord({ type: 'writer', device: testDevice('alice').key, signature })
    const update = yjsUpdate((doc) => log(doc).push([entry]))
    await expect(store.receive(updateMessage(update), MALLORY.key, true)).rejects.toMatchObject({
      code: 'DITTO_UPDATE_INVALID',
    })
  })

  it('is refused for a gap, and asked for again', async () => {
    const doc = new Y.Doc()
    doc.clientID = WRITER
    log(doc).push([ownLogEntry()])
    const before = Y.encodeStateVector(doc)
    log(doc).push(['AA=='])
    const update = updateMessage(Y.encodeStateAsUpdate(doc, before))
    await expect(store.receive(update, MALLORY.key, true)).rejects.toMatchObject({ code: 'DITTO_UPDATE_GAP' })
    await expectUnharmed()
  })

  it('costs little for a lie about a count', async () => {
    for (const values of [
      [1, 4_000_000_000, 7, 0],
      [4_000_000_000],
      [1, 1, 7, 0, 8, 4_000_000_000],
      [0, 4_000_000_000],
    ]) {
      const encoder = encoding.createEncoder()
      for (const value of values) encoding.writeVarUint(encoder, value)
      const start = process.cpuUsage()
      await expect(
        store.receive(updateMessage(encoding.toUint8Array(encoder)), MALLORY.key, true),
      ).rejects.toMatchObject({ code: 'DITTO_UPDATE_INVALID' })
      // Of the processor, in microseconds: what else runs on the machine does not count.
      expect(process.cpuUsage(start).user).toBeLessThan(200_000)
    }
  })

  it('of thousands of kinds of garbage gives an error of ours or nothing, and harms nothing', async () => {
    const rounds = IS_LONG_RUN ? 10_000 : 3000
    const random = seededRandom(1)
    const good = [
      ...(await store.receive(encodeVector(new Map()), MALLORY.key, true)),
      updateMessage(yjsUpdate((doc) => log(doc).push([ownLogEntry(), 'AAAA']))),
      store.hello(),
    ]
    for (let round = 0; round < rounds; round += 1) {
      const bytes = Uint8Array.from(good[round % good.length] as Uint8Array)
      const changes = 1 + Math.floor(random() * 4)
      for (let change = 0; change < changes; change += 1) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      }
      const cut = random() < 0.2 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes
      try {
        for (const _answer of await store.receive(cut, MALLORY.key, true)) if (random() < 0.5) break
      } catch (error) {
        if (!isDittoError(error)) expect(error).toBeInstanceOf(DittoError)
      }
    }
    await expectUnharmed()
  })
})

/** The writers of a message's update. */
function storeWriters(message: Uint8Array): Iterable<number> {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, message.subarray(message.findIndex((_, at) => at > 0 && (message[at] as number) < 0x80) + 1))
  return doc.store.clients.keys()
}
