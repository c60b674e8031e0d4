import path from 'node:path'
import { readManifest } from '@dittofs/chunk-store'
import { type Clock, type Logger, type Membership, type SpaceId, systemClock } from '@dittofs/interface'
import { createIdentity, verifySignature } from '@dittofs/link'
import { openMetadataStore } from '@dittofs/metadata'
import { memoryChunkStore, temporaryDirectory } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import { type Config, DEFAULT_CONFIG } from '../../src/config/config-schema.ts'
import { noFetcher } from '../../src/content/content-fetcher.ts'
import { HeldChunks } from '../../src/content/held-chunks.ts'
import { KeptContent } from '../../src/pins/kept-content.ts'
import { MarkTable } from '../../src/pins/mark-table.ts'
import { ReleasedVersions } from '../../src/pins/released-versions.ts'
import { SharedGate } from '../../src/shared-gate.ts'
import { SpaceFiles } from '../../src/space-files.ts'
import { openHistory } from '../../src/spaces/open-history.ts'
import type { OpenSpace } from '../../src/spaces/open-space.ts'
import { openDatabase } from '../../src/state/open-database.ts'
import { Origins } from '../../src/state/origins.ts'

const SPACE = '5'.repeat(64) as SpaceId

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** A clock hours ahead: files written by a test are old to it, so their stamps are trusted. */
export const laterClock: Clock = { ...systemClock, now: () => Date.now() + 3_600_000 }

/** The files of one space: real metadata and database on disk, chunks in memory. */
export async function localFiles(config: Partial<Config> = {}) {
  const home = await temporaryDirectory()
  const identity = await createIdentity()
  const store = memoryChunkStore()
  await store.open()
  const metadata = await openMetadataStore({
    directory: path.join(home, 'metadata'),
    space: SPACE,
    device: identity.key,
    sign: (bytes) => identity.sign(bytes),
    verify: verifySignature,
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    clock: systemClock,
    deviceLabel: () => 'alice',
    logger: silent,
  })
  const database = await openDatabase(path.join(home, 'registry'), 'the list of spaces')
  const history = await openHistory({
    directory: path.join(home, 'history'),
    ...{ store: metadata, device: identity.key, clock: laterClock, logger: silent },
  })
  onTestFinished(async () => {
    await history.close()
    await metadata.close()
    await database.close()
  })
  const membership = {
    space: SPACE,
    chunker: 'fastcdc',
    members: () => [{ key: identity.key, name: 'alice', role: 'full', addedBy: identity.key }],
  } as unknown as Membership
  const space: OpenSpace = { id: SPACE, number: 1, name: 'home', membership, metadata, history }
  const held = new HeldChunks(store, readManifest)
  const gate = new SharedGate()
  const kept = new KeptContent({
    ...{ held, gate, marks: await MarkTable.open(database), released: new ReleasedVersions(database) },
    foldersOf: () => new Set(),
  })
  const files = new SpaceFiles({
    store,
    readManifest,
    held,
    kept,
    fetcher: noFetcher,
    origins: new Origins(database),
    clock: laterClock,
    logger: silent,
    config: { ...DEFAULT_CONFIG, ...config },
    home,
    gate,
  })
  return { files, space, store, metadata, held, home }
}

export async function collected<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

export async function joined(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return Buffer.concat(all)
}
