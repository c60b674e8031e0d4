import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { encodeLeaf, readManifest } from '@dittofs/chunk-store'
import {
  type ChunkStore,
  type Clock,
  type DeviceKey,
  deviceKey,
  isDittoError,
  type Logger,
  type Membership,
  type MetadataStore,
  type SpaceId,
  spaceId,
  systemClock,
} from '@dittofs/interface'
import { yjsMetadataStore } from '@dittofs/metadata'
import {
  type MemoryChunkStore,
  type MemoryLinkInit,
  memoryChunkStore,
  memoryLinkPair,
  memoryMembership,
  pseudoRandomBytes,
} from '@dittofs/testing'
import { MemoryLevel } from 'memory-level'
import { onTestFinished } from 'vitest'
import {
  type FetchChoices,
  type FetchGrowth,
  type FetchPolicy,
  type Session,
  SyncEngine,
  type SyncEngineInit,
} from '../src/index.ts'

export const HOME = spaceId.parse('5a'.repeat(32))
export const WORK = spaceId.parse('6b'.repeat(32))

/** Keeps what was logged, to be looked at. */
export class TestLogger implements Logger {
  readonly lines: { level: string; fields: object; message: string }[] = []
  debug(): void {}
  info(): void {}
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message })
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message })
  }
}

interface Identity {
  readonly key: DeviceKey
  readonly sign: (bytes: Uint8Array) => Uint8Array
}

/** Ed25519 keys that are the same in every run. @see RFC 8410 section 7 for the prefix */
function identity(name: string): Identity {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: deviceKey.fromBytes(raw), sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)) }
}

function verifySignature(key: DeviceKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'hex')])
  return verify(null, bytes, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
}

export interface TestDeviceOptions extends Partial<SyncEngineInit> {
  clock?: Clock
  store?: ChunkStore
  policy?: FetchPolicy
  choices?: FetchChoices
  growth?: FetchGrowth
  spaces?: readonly SpaceId[]
  /** Which of the members only read. */
  readers?: readonly string[]
  /** Real members, instead of those the test names, for the one space. */
  membership?: Membership
}

/** One device with real stores in memory. Every device of a test is a member of each of its spaces, full unless said. */
export class TestDevice {
  readonly name: string
  readonly key: DeviceKey
  readonly log = new TestLogger()
  readonly chunks: MemoryChunkStore
  readonly metadata = new Map<SpaceId, MetadataStore>()
  readonly memberships = new Map<SpaceId, Membership>()
  readonly engine: SyncEngine
  #mtime = 1n

  private constructor(name: string, key: DeviceKey, chunks: MemoryChunkStore, engine: Partial<SyncEngineInit>) {
    this.name = name
    this.key = key
    this.chunks = chunks
    this.engine = new SyncEngine({
      self: key,
      instance: pseudoRandomBytes(name.length + name.charCodeAt(0), 16),
      deviceName: () => name,
      store: chunks,
      readManifest,
      encodeLeaf,
      clock: systemClock,
      log: this.log,
      ...engine,
    })
  }

  static async open(name: string, members: readonly string[], options: TestDeviceOptions = {}): Promise<TestDevice> {
    const {
      spaces = [options.membership?.space ?? HOME],
      policy = 'all',
      readers = [],
      membership: real,
      choices,
      growth,
      ...engine
    } = options
    const { key, sign: signWithKey } = identity(name)
    const chunks = memoryChunkStore()
    await chunks.open()
    const device = new TestDevice(name, key, chunks, engine)
    for (const space of spaces) {
      let drawn = 0
      const metadata = yjsMetadataStore({
        space,
        database: new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' }),
        device: key,
        sign: signWithKey,
        verify: verifySignature,
        randomBytes: (size) => createHash('sha256').update(`${name} ${space} ${drawn++}`).digest().subarray(0, size),
        clock: systemClock,
        deviceLabel: (author) => author.slice(0, 7).toUpperCase(),
        logger: device.log,
      })
      await metadata.open()
      const keys = [...new Set([name, ...members])].map((member) => identity(member).key)
      const membership = memoryMembership({ space, self: key, members: keys, readers: readers.map(keyOf) })
      device.metadata.set(space, metadata)
      device.memberships.set(space, membership)
      device.engine.addSpace({
        metadata,
        membership: real ?? membership,
        policy,
        ...(choices !== undefined && { choices }),
        ...(growth !== undefined && { growth }),
        name: () => `space ${space.slice(0, 2)}`,
      })
    }
    onTestFinished(async () => {
      await device.engine.close()
      for (const metadata of device.metadata.values()) await metadata.close()
      await chunks.close()
    })
    return device
  }

  tree(space: SpaceId = HOME): MetadataStore {
    const metadata = this.metadata.get(space)
    if (metadata === undefined) throw new TypeError('no such space')
    return metadata
  }

  members(space: SpaceId = HOME): Membership {
    const membership = this.memberships.get(space)
    if (membership === undefined) throw new TypeError('no such space')
    return membership
  }

  /** Adds files, as one change. */
  async write(files: Readonly<Record<string, Uint8Array>>, space: SpaceId = HOME): Promise<void> {
    const actions = []
    for (const [path, bytes] of Object.entries(files)) {
      const { content, size } = await this.chunks.importStream(space, one(bytes))
      const file = { size, content, mode: 0o644, mtimeNs: this.#mtime++ }
      actions.push({ type: 'write' as const, path, file })
    }
    await this.tree(space).transact(actions)
  }

  /** Each path shown with the SHA-256 of its bytes, read through the chunk store. */
  async files(space: SpaceId = HOME): Promise<Record<string, string>> {
    const shown: Record<string, string> = {}
    for await (const batch of this.tree(space).walk('')) {
      for (const { path, file } of batch) {
        if (file === undefined) continue
        const hash = createHash('sha256')
        try {
          for await (const step of readManifest(this.chunks, space, file.content, file.size)) {
            if (step.kind === 'missing') hash.update('a manifest node is missing')
            else {
              for (const { id } of step.run.chunks)
                hash.update((await this.chunks.get(space, id)) ?? 'a chunk is missing')
            }
          }
        } catch (error) {
          if (!isDittoError(error, 'DITTO_MANIFEST_INVALID')) throw error
          hash.update(error.code)
        }
        shown[path] = hash.digest('hex')
      }
    }
    return shown
  }

  async upToDate(timeoutMs = 50_000): Promise<void> {
    await this.engine.whenUpToDate({ signal: AbortSignal.timeout(timeoutMs) })
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Joins two devices by a link. */
export function connect(
  alice: TestDevice,
  bob: TestDevice,
  init: Partial<MemoryLinkInit> = {},
): readonly [Session, Session] {
  const [first, second] = memoryLinkPair({ keys: [alice.key, bob.key], ...init })
  return [alice.engine.attach(first), bob.engine.attach(second)]
}

/** The key that a device of this name has. */
export function keyOf(name: string): DeviceKey {
  return identity(name).key
}

/** What signs for the device of this name. */
export function signerOf(name: string): { readonly key: DeviceKey; readonly sign: (bytes: Uint8Array) => Uint8Array } {
  return identity(name)
}
