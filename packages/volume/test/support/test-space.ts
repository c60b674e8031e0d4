import { randomBytes, sign } from 'node:crypto'
import { readManifest, spliceContent } from '@dittofs/chunk-store'
import { type ChunkStore, type Clock, type MetadataStore, systemClock } from '@dittofs/interface'
import { yjsMetadataStore } from '@dittofs/metadata'
import { exchangeMetadata, memoryChunkStore, temporaryDirectory } from '@dittofs/testing'
import { MemoryLevel } from 'memory-level'
import { openVolume, type SpaceVolume, spoolDirectory, type VolumeInit } from '../../src/index.ts'
import { isSigned, keysOf, LOGGER, SPACE } from './test-keys.ts'

/** A device's share of one and the same space, and volumes over it. */
export class TestSpace {
  readonly metadata: MetadataStore
  readonly store: ChunkStore
  readonly spoolPath: string
  readonly #clock: Clock

  static async open(
    name = 'alice',
    { clock = systemClock, store = memoryChunkStore() }: { clock?: Clock; store?: ChunkStore } = {},
  ): Promise<TestSpace> {
    const { key, privateKey } = keysOf(name)
    const metadata = yjsMetadataStore({
      space: SPACE,
      database: new MemoryLevel<string, Uint8Array>({ keyEncoding: 'utf8', valueEncoding: 'view' }),
      device: key,
      sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
      verify: isSigned,
      randomBytes,
      clock,
      deviceLabel: (device) => device.slice(0, 7).toUpperCase(),
      logger: LOGGER,
    })
    await metadata.open()
    await store.open()
    return new TestSpace(metadata, store, await temporaryDirectory(), clock)
  }

  constructor(metadata: MetadataStore, store: ChunkStore, spoolPath: string, clock: Clock) {
    this.metadata = metadata
    this.store = store
    this.spoolPath = spoolPath
    this.#clock = clock
  }

  async volume(init: Partial<VolumeInit> = {}): Promise<SpaceVolume> {
    return openVolume({
      metadata: this.metadata,
      store: this.store,
      readManifest,
      spliceContent,
      chunker: 'fastcdc',
      clock: this.#clock,
      randomBytes,
      logger: LOGGER,
      spool: spoolDirectory(this.spoolPath),
      diskSpace: async () => ({ totalBytes: 1e12, freeBytes: 1e11 }),
      ...init,
    })
  }

  exchangeWith(other: TestSpace): Promise<void> {
    return exchangeMetadata(this.metadata, other.metadata)
  }

  async close(): Promise<void> {
    await this.metadata.close()
    await this.store.close()
  }
}
