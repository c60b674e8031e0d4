import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { type DeviceKey, deviceKey, type Logger, type MetadataStore, type NodeId, spaceId } from '@dittofs/interface'
import { yjsMetadataStore } from '@dittofs/metadata'
import { seededRandom } from '@dittofs/testing'
import { MemoryLevel } from 'memory-level'
import { openSpaceFolders } from '../../src/engine/open-space-folders.ts'
import type { FolderMode, SpaceFolders } from '../../src/engine/space-folders.ts'
import { MemoryContent } from './memory-content.ts'
import { failure, MemoryDisk } from './memory-disk.ts'
import { type DiskHook, MemoryFileSystem } from './memory-file-system.ts'
import type { VirtualClock } from './virtual-clock.ts'

export const SPACE = spaceId.parse('5a'.repeat(32))
type Level = MemoryLevel<string, Uint8Array>

export interface FolderSetup {
  readonly id: string
  /** The directory of the space it mirrors; `''` for all of it. */
  readonly path: string
  readonly mode?: FolderMode
  readonly foldsCase?: boolean
}

export interface SimulatedDeviceInit {
  readonly name: string
  readonly seed: number
  readonly clock: VirtualClock
  readonly folders: readonly FolderSetup[]
  readonly onMessages?: (messages: readonly Uint8Array[]) => void
  readonly brakeFiles?: number
  readonly roomFor?: (folder: string) => Promise<number>
  readonly logger?: Logger
}

/** One device with everything real but its disk, its clock and its network. */
export class SimulatedDevice {
  readonly name: string
  readonly key: DeviceKey
  readonly disks = new Map<string, MemoryDisk>()
  content = this.#makeContent()
  store!: MetadataStore
  folders!: SpaceFolders
  fileSystems = new Map<string, MemoryFileSystem>()
  /** Comes between two calls of the disk. */
  hook: DiskHook = () => undefined
  readonly #init: SimulatedDeviceInit
  readonly #keys: ReturnType<typeof makeKeys>
  #metadata: Level = memoryLevel()
  #base: Level = memoryLevel()
  readonly #nodes = new Map<string, NodeId>()
  #life = 0

  constructor(init: SimulatedDeviceInit) {
    this.#init = init
    this.name = init.name
    this.#keys = makeKeys(init.name)
    this.key = this.#keys.key
    for (const [at, { id, foldsCase = false }] of init.folders.entries()) {
      this.disks.set(id, new MemoryDisk({ nowNs: () => init.clock.nowNs(), foldsCase, dev: BigInt(at + 1) }))
    }
  }

  get setups(): readonly FolderSetup[] {
    return this.#init.folders
  }

  /** Where the document shows a folder's directory now. */
  pathOf(id: string): string | undefined {
    const node = this.#nodes.get(id)
    return node === undefined ? undefined : this.store.find(node)?.path
  }

  disk(id = this.#init.folders[0]?.id ?? ''): MemoryDisk {
    const disk = this.disks.get(id)
    if (disk === undefined) throw new Error(`no disk ${id}`)
    return disk
  }

  /** From now on until it starts again, nothing more of what the folders know gets to the disk but what they announce. */
  loseBase(): void {
    const base = this.#base
    const write = base.batch.bind(base) as (...args: unknown[]) => unknown
    Object.assign(base, {
      batch: (operations: readonly { readonly key: string }[], ...rest: unknown[]) => {
        if (operations.every(({ key }) => key.startsWith('intent/'))) return write(operations, ...rest)
        return Promise.reject(failure('DITTO_IO'))
      },
    })
  }

  /** Opens the store alone, to be able to make directories before folders are linked. */
  async openStore(): Promise<void> {
    const { seed, clock, name, logger } = this.#init
    this.#life += 1
    const random = seededRandom(createHash('sha256').update(`${name} ${seed} ${this.#life}`).digest().readUInt32LE())
    this.store = yjsMetadataStore({
      ...{ space: SPACE, database: this.#metadata, device: this.key, sign: this.#keys.sign, verify: verifySignature },
      randomBytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
      clock,
      deviceLabel: (device) => device.slice(0, 4).toUpperCase(),
      logger: logger ?? SILENT_LOGGER,
    })
    await this.store.open()
    this.store.onChange(({ messages }) => this.#init.onMessages?.(messages))
  }

  async start(): Promise<void> {
    const { clock, brakeFiles, roomFor, logger } = this.#init
    this.folders = await openSpaceFolders({
      ...{ space: SPACE, metadata: this.store, database: this.#base, content: this.content, clock },
      randomBytes: (size) => new Uint8Array(size),
      logger: logger ?? SILENT_LOGGER,
      ...{ deviceLabel: this.name, rescanMs: 0 },
      ...(brakeFiles === undefined ? {} : { brakeFiles }),
      ...(roomFor === undefined ? {} : { roomFor }),
    })
    this.content.forgetLeft()
    const life = this.#life
    for (const { id, path, mode = 'two-way' } of this.#init.folders) {
      // A directory keeps its node, whatever becomes of its name.
      const node = this.#nodes.get(id) ?? this.store.lookup(path)?.node
      if (node === undefined) throw new Error(`no directory ${path}`)
      this.#nodes.set(id, node)
      const fileSystem = new MemoryFileSystem(this.disk(id), async (call, names) => {
        if (life !== this.#life) throw new Error('this life is over')
        await this.hook(call, names)
        if (life !== this.#life) throw new Error('this life is over')
      })
      this.fileSystems.set(id, fileSystem)
      await this.folders.link({ id, directoryNode: node, mode }, fileSystem)
    }
  }

  /**
   * Stops in the middle of everything: what is not durable is lost.
   *
   * @param meanwhile - what happens on the disks before it starts again
   */
  async crash(meanwhile: () => void = () => undefined): Promise<void> {
    const [metadata, base] = [await copyOf(this.#metadata), await copyOf(this.#base)]
    for (const disk of this.disks.values()) disk.crash()
    this.#life += 1
    const { folders, content } = this
    this.#metadata = metadata
    this.#base = base
    this.content = this.#makeContent()
    this.content.inherit(content)
    await folders.close().catch(() => undefined)
    meanwhile()
    await this.openStore()
    await this.start()
  }

  async stop(): Promise<void> {
    await this.folders.close()
    await this.store.close()
  }

  async restart(meanwhile: () => void = () => undefined): Promise<void> {
    await this.stop()
    meanwhile()
    await this.openStore()
    await this.start()
  }

  #makeContent(): MemoryContent {
    return new MemoryContent({ disk: (folder) => this.disk(folder), locate: (key) => this.folders.locate(key) })
  }
}

export const SILENT_LOGGER: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

function memoryLevel(): Level {
  return new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' })
}

async function copyOf(level: Level): Promise<Level> {
  const copy = memoryLevel()
  await copy.open()
  for await (const [key, value] of level.iterator()) await copy.put(key, value)
  return copy
}

/** The same in every run. @see RFC 8410 section 7 for the prefix of an Ed25519 key */
function makeKeys(name: string) {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: deviceKey.fromBytes(raw), sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, privateKey)) }
}

function verifySignature(key: DeviceKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'hex')])
  return verify(null, bytes, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
}
