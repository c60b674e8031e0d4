import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  CHUNKERS,
  type Check,
  type ChunkerKind,
  type ChunkStore,
  type ContentRef,
  type Finding,
} from '@dittofs/interface'
import { firstDifference } from './first-difference.ts'
import { withOwnDirectory } from './own-directory.ts'
import { CHECKED_SPACE, type CreateStore, once, readBack, withStore } from './own-store.ts'
import { PATTERN_SIZES, PATTERNS, type Pattern } from './patterns.ts'

/** Differences that are told; where there are more, they have one cause. */
const MAX_TOLD = 8

export interface IntegrityCheckInit {
  /** A directory on the disk that content is kept on; `undefined` where there is none yet. */
  directory: () => Promise<string | undefined>
  createStore: CreateStore
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
      return withOwnDirectory(parent, now(), (place) => checkIn(place, createStore, sizes))
    },
  }
}

async function checkIn(
  place: string,
  createStore: IntegrityCheckInit['createStore'],
  sizes: readonly number[],
): Promise<Finding[]> {
  const faults: string[] = []
  const stored = await withStore(path.join(place, 'chunks'), createStore, (store) =>
    storeAll(store, { place, sizes, faults }),
  )
  await withStore(path.join(place, 'chunks'), createStore, async (store) => {
    for await (const { id, problem } of store.verify()) faults.push(`the chunk ${id} is ${problem}`)
    for (const one of stored) {
      const fault = await compare(store, one)
      if (fault !== undefined) faults.push(`${nameOf(one)}: ${fault}`)
    }
  })
  if (faults.length > 0) {
    const told = faults
      .slice(0, MAX_TOLD)
      .map((fault): Finding => ({ level: 'problem', text: `${fault}.`, code: 'DITTO_CHUNK_CORRUPT' }))
    const advice = `${faults.length} faults: memory or disk of this machine cannot be trusted; check both before you store more on it.`
    return [...told, { level: 'problem', text: advice }]
  }
  const bytes = stored.reduce((sum, { size }) => sum + size, 0)
  const text = `${stored.length} contents of known patterns, ${Math.round(bytes / 1024 / 1024)} MiB, came back from the disk as they were.`
  return [{ level: 'ok', text }]
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
        const { content } = await store.importFile(CHECKED_SPACE, file, { chunker, durability: 'group' })
        const one = { pattern, size, chunker, content }
        const streamed = await store.importStream(CHECKED_SPACE, once(pattern.make(size)), { chunker })
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

/** @returns what is wrong; `undefined` where the content is what was stored */
async function compare(store: ChunkStore, { pattern, size, content }: Stored): Promise<string | undefined> {
  const found = await readBack(store, content, size)
  return typeof found === 'string' ? found : firstDifference(pattern.make(size), found)
}

function nameOf({ pattern, size, chunker }: Stored): string {
  return `${pattern.name}, ${size} bytes (${chunker})`
}
