import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import {
  type ChunkId,
  type DeviceKey,
  deviceKey,
  type FileContent,
  type Logger,
  type MetadataStore,
  spaceId,
} from '@dittofs/interface'
import { seededRandom } from '@dittofs/testing'
import { MemoryLevel } from 'memory-level'
import type { Database } from '../src/metadata-database.ts'
import { YjsMetadataStore, type YjsMetadataStoreInit } from '../src/yjs-metadata-store.ts'

export const SPACE = spaceId.parse('5a'.repeat(32))

const silent = () => undefined
export const SILENT_LOGGER: Logger = { debug: silent, info: silent, warn: silent, error: silent }

const devices = new Map<string, ReturnType<typeof makeDevice>>()

/** A device whose keys are the same in every run. */
export function testDevice(name: string) {
  const device = devices.get(name) ?? makeDevice(name)
  devices.set(name, device)
  return device
}

/** @see RFC 8410 section 7 for the prefix of an Ed25519 key */
function makeDevice(name: string) {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: deviceKey.fromBytes(raw), sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, privateKey)) }
}

const publicKeys = new Map<DeviceKey, KeyObject>()

export function verifySignature(key: DeviceKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const known = publicKeys.get(key) ?? importKey(key)
  publicKeys.set(key, known)
  return verify(null, bytes, known, signature)
}

function importKey(key: DeviceKey): KeyObject {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'hex')])
  return createPublicKey({ key: spki, format: 'der', type: 'spki' })
}

/** A LevelDB in memory; it keeps what it holds when it is closed. */
export type MemoryDatabase = MemoryLevel<string, Uint8Array>

export function memoryDatabase(): MemoryDatabase {
  return new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
}

export function storeInit(name: string, database: Database = memoryDatabase(), seed = 1): YjsMetadataStoreInit {
  const { key, sign: signWithKey } = testDevice(name)
  const random = seededRandom(createHash('sha256').update(`${name} ${seed}`).digest().readUInt32LE())
  return {
    space: SPACE,
    database,
    device: key,
    sign: signWithKey,
    verify: verifySignature,
    randomBytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    clock: { now: () => 1_700_000_000_000 },
    deviceLabel: (device) => device.slice(0, 7).toUpperCase(),
    logger: SILENT_LOGGER,
  }
}

export async function openStore(name: string, database?: Database, seed?: number): Promise<YjsMetadataStore> {
  const store = new YjsMetadataStore(storeInit(name, database, seed))
  await store.open()
  return store
}

/** A small file whose one chunk is named after `content`. */
export function fileOf(content: string, mtimeNs = 1_700_000_000_000_000_000n): FileContent {
  const id = createHash('sha256').update(content).digest('hex') as ChunkId
  return { size: 5, mtimeNs, mode: 0o644, content: { kind: 'inline', chunks: [{ id, length: 5 }] } }
}

/** Each path shown, with a name of its content. */
export async function treeOf(store: MetadataStore): Promise<string[]> {
  const lines: string[] = []
  for await (const batch of store.walk('')) {
    for (const entry of batch) {
      if (entry.path === '') continue
      const content = entry.file?.content
      const chunk = content?.kind === 'inline' ? content.chunks[0]?.id.slice(0, 8) : undefined
      lines.push(entry.kind === 'directory' ? `${entry.path}/` : `${entry.path} = ${chunk ?? entry.symlink?.target}`)
    }
  }
  return lines.sort()
}

/** Both ways, until neither has anything to send. */
export async function exchange(a: MetadataStore, b: MetadataStore): Promise<void> {
  const { key: anyone } = testDevice('anyone')
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const message of await from.receive(to.hello(), anyone, true)) await to.receive(message, anyone, true)
  }
}

/** What stands in a database now, in another one: a disk as it was when the machine stopped. */
export async function copyOf(database: MemoryDatabase): Promise<MemoryDatabase> {
  const copy = memoryDatabase()
  await copy.open()
  for await (const [key, value] of database.iterator()) await copy.put(key, value)
  return copy
}
