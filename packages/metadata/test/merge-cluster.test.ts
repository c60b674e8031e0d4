import type { ChunkId, MetadataStore } from '@dittofs/interface'
import { exchangeMetadata } from '@dittofs/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mergeText } from '../src/merge-text.ts'
import { openStore } from './memory-space.ts'

const NAMES = ['alice', 'bob', 'carol', 'dave']
const LINES = 24

/** Contents by the ID that stands for them. */
class Contents {
  readonly #bytes = new Map<string, Buffer>()

  file(bytes: Uint8Array, mtimeNs = 0n) {
    const id = Buffer.from(bytes).toString('hex').slice(0, 4000).padEnd(64, '0') as ChunkId
    const short = fc.hash(id).toString(16).padStart(64, '0').slice(-64) as ChunkId
    this.#bytes.set(short, Buffer.from(bytes))
    return {
      size: bytes.length,
      mtimeNs,
      mode: 0o644,
      content: { kind: 'inline' as const, chunks: [{ id: short, length: bytes.length }] },
    }
  }

  of(store: MetadataStore, path: string): Buffer {
    const content = store.lookup(path)?.file?.content
    return this.#bytes.get(content?.kind === 'inline' ? (content.chunks[0]?.id ?? '') : '') ?? Buffer.alloc(0)
  }
}

/** Merges what is in conflict as a device does, if anything is. */
async function merge(store: MetadataStore, contents: Contents, base: Buffer): Promise<void> {
  const copy = store.children('')?.find(({ conflictOf }) => conflictOf !== undefined)
  if (copy === undefined) return
  const merged = await mergeText(base, contents.of(store, 'notes'), contents.of(store, copy.path))
  if (merged.kind !== 'merged') throw new Error('edits far apart clash')
  await store.transact([
    { type: 'remove', path: copy.path },
    { type: 'write', path: 'notes', file: contents.file(merged.bytes) },
  ])
}

it('brings all devices to one merged file, whichever of them merge, and in whatever order they hear of it', async () => {
  const edit = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: NAMES.length }),
      fc.tuple(fc.nat({ max: LINES / 2 - 3 }), fc.integer({ min: LINES / 2 + 3, max: LINES - 1 })),
      fc.tuple(edit, edit),
      fc.array(fc.boolean(), { minLength: NAMES.length, maxLength: NAMES.length }),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
      async (count, [first, second], [ofFirst, ofSecond], merging, meetings) => {
        const contents = new Contents()
        const stores = await Promise.all(NAMES.slice(0, count).map((name) => openStore(name)))
        const at = (nth: number) => stores[nth % count] as MetadataStore
        const all = async () => {
          for (const one of stores) for (const other of stores) if (one !== other) await exchangeMetadata(one, other)
        }
        const lines = Array.from({ length: LINES }, (_, nth) => `line ${nth}\n`)
        const base = Buffer.from(lines.join(''))
        const edited = (changes: Readonly<Record<number, string>>) =>
          Buffer.from(lines.map((line, nth) => (changes[nth] === undefined ? line : `${changes[nth]}!\n`)).join(''))
        await at(0).transact([{ type: 'write', path: 'notes', file: contents.file(base) }])
        await all()
        await at(0).transact([{ type: 'write', path: 'notes', file: contents.file(edited({ [first]: ofFirst })) }])
        await at(1).transact([{ type: 'write', path: 'notes', file: contents.file(edited({ [second]: ofSecond })) }])
        await all()
        // At least one merges; some do at the same time, some after they heard of others.
        await Promise.all(
          stores.filter((_, nth) => nth === 0 || merging[nth]).map((store) => merge(store, contents, base)),
        )
        for (const [one, other] of meetings) if (at(one) !== at(other)) await exchangeMetadata(at(one), at(other))
        for (const store of stores) await merge(store, contents, base)
        await all()
        for (const store of stores) {
          expect(store.children('')?.map(({ path }) => path)).toEqual(['notes'])
          expect(contents.of(store, 'notes').toString()).toBe(
            edited({ [first]: ofFirst, [second]: ofSecond }).toString(),
          )
        }
        await Promise.all(stores.map((store) => store.close()))
      },
    ),
    { numRuns: 40 },
  )
})
