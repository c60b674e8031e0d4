import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { readManifest } from '@dittofs/chunk-store'
import {
  CHUNKERS,
  type Check,
  type ChunkerKind,
  type ChunkStore,
  type ContentRef,
  type Finding,
  type SpaceId,
} from '@dittofs/interface'
import { firstDifference } from './first-difference.ts'
import { PATTERN_SIZES, PATTERNS, type Pattern } from './patterns.ts'

/** A directory of a check that was cut off is removed by the next one this much later: none takes that long. */
const LEFT_BEHIND_MS = 60 * 60 * 1000
const OWN_NAME = /^integrity-[0-9a-f]{12}$/
/** Differences that are told; where there are more, they have one cause. */
const MAX_TOLD = 8
/** The store is this check's alone, so that its space may have any ID. */
const SPACE = '00'.repeat(32) as SpaceId

export interface IntegrityCheckInit {
  /** A directory on the disk that content is kept on; `undefined` where there is none yet. */
  directory: () => Promise<string | undefined>
  /** Makes a chunk store in a directory, as the device has it, and does not open it. */
  createStore: (directory: string) => ChunkStore
  /** Milliseconds since the Unix epoch. */
  now: () => number
  /** Bytes of each pattern; default {@link PATTERN_SIZES}. */
  sizes?: readonly number[]
}

interface Stored {
  readonly pattern: Pattern
  readonly size: number
  readonly chunker: ChunkerKind
  readonly content: ContentRef
}

/**
 * Takes known patterns through everything that content goes through on this device: a file is read, cut, hashed and
 * stored; the store is closed, opened and checked; the content is read back by its manifest and compared byte by byte.
 * In a store of its own beside the device's, removed afterwards.
 */
export function integrityCheck({ directory, createStore, now, sizes = PATTERN_SIZES }: IntegrityCheckInit): Check {
  return {
    name: 'integrity',
    run: async () => {
      const parent = await directory()
      if (parent === undefined) return [{ level: 'warning', text: 'There is no home yet, so no disk to check.' }]
      await removeLeftBehind(parent, now())
      const place = path.join(parent, `integrity-${randomBytes(6).toString('hex')}`)
      await mkdir(place, { mode: 0o700 })
      try {
        return await checkIn(place, createStore, sizes)
      } finally {
        await rm(place, { recursive: true, force: true })
      }
    },
  }
}

async function removeLeftBehind(parent: string, nowMs: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!OWN_NAME.test(name)) continue
    const place = path.join(parent, name)
    const { mtimeMs } = await stat(place)
    if (nowMs - mtimeMs > LEFT_BEHIND_MS) await rm(place, { recursive: true, force: true })
  }
}

async function checkIn(
  place: string,
  createStore: IntegrityCheckInit['createStore'],
  sizes: readonly number[],
): Promise<Finding[]> {
  const faults: string[] = []
  const stored = await withStore(place, createStore, (store) => storeAll(store, { place, sizes, faults }))
  await withStore(place, createStore, async (store) => {
    for await (const { id, problem } of store.verify()) faults.push(`the chunk ${id} is ${problem}`)
    for (const one of stored) {
      const fault = await compare(store, one)
      if (fault !== undefined) faults.push(`${nameOf(one)}: ${fault}`)
    }
  })
  if (faults.length > 0) {
    const told = faults.slice(0, MAX_TOLD).map((fault): Finding => ({ level: 'problem', text: `${fault}.` }))
    const advice = `${faults.length} faults: memory or disk of this machine cannot be trusted; check both before you store more on it.`
    return [...told, { level: 'problem', text: advice }]
  }
  const bytes = stored.reduce((sum, { size }) => sum + size, 0)
  const text = `${stored.length} contents of known patterns, ${Math.round(bytes / 1024 / 1024)} MiB, came back from the disk as they were.`
  return [{ level: 'ok', text }]
}

async function withStore<T>(
  place: string,
  createStore: IntegrityCheckInit['createStore'],
  body: (store: ChunkStore) => Promise<T>,
): Promise<T> {
  const store = createStore(path.join(place, 'chunks'))
  await store.open()
  try {
    return await body(store)
  } finally {
    await store.close()
  }
}

/** Stores every pattern as a file and as a stream, which are cut by different code and must be the same. */
async function storeAll(
  store: ChunkStore,
  { place, sizes, faults }: { place: string; sizes: readonly number[]; faults: string[] },
): Promise<Stored[]> {
  const stored: Stored[] = []
  const file = path.join(place, 'pattern')
  for (const pattern of PATTERNS) {
    for (const size of sizes) {
      await writeFile(file, pattern.make(size))
      for (const chunker of CHUNKERS) {
        const { content } = await store.importFile(SPACE, file, { chunker, durability: 'group' })
        const one = { pattern, size, chunker, content }
        const streamed = await store.importStream(SPACE, once(pattern.make(size)), { chunker })
        if (JSON.stringify(streamed.content) !== JSON.stringify(content)) {
          faults.push(`${nameOf(one)}: read as a file and as a stream it has different chunks`)
        }
        stored.push(one)
      }
    }
  }
  await store.flush()
  return stored
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** @returns what is wrong; `undefined` where the content is what was stored */
async function compare(store: ChunkStore, { pattern, size, content }: Stored): Promise<string | undefined> {
  const pieces: Uint8Array[] = []
  for await (const step of readManifest(store, SPACE, content, size)) {
    if (step.kind === 'missing') return 'a part of its manifest is not there'
    for (const { id } of step.run.chunks) {
      const bytes = await store.get(SPACE, id).catch((error: unknown) => String(error))
      if (typeof bytes === 'string') return `the chunk ${id} was not given: ${bytes.replace(/\.$/, '')}`
      if (bytes === undefined) return `the chunk ${id} is not there`
      pieces.push(bytes)
    }
  }
  return firstDifference(pattern.make(size), Buffer.concat(pieces))
}

function nameOf({ pattern, size, chunker }: Stored): string {
  return `${pattern.name}, ${size} bytes (${chunker})`
}
