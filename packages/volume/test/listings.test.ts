import type { NodeEvent, NodeId, TreeEntry } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Listings } from '../src/listings.ts'
import { hashName } from '../src/name-cookies.ts'
import { NodeTimes } from '../src/node-times.ts'

const DIRECTORY = 'd' as NodeId

/** A directory whose names are told as a metadata store tells them, and how often all of them were asked for. */
class NamedDirectory {
  readonly names = new Set<string>()
  readonly copies = new Set<string>()
  readonly times = new NodeTimes(() => 0n)
  walks = 0
  /** Called between two batches of names. */
  onBatch: () => void = () => undefined
  readonly entry = { path: 'd', name: 'd', node: DIRECTORY, kind: 'directory' } as TreeEntry

  async *#namesNow(): AsyncGenerator<readonly string[]> {
    this.walks += 1
    for (const name of this.names) {
      yield [name]
      await new Promise(setImmediate)
      this.onBatch()
    }
  }

  listings(hash = hashName): Listings {
    const metadata = {
      names: () => this.#namesNow(),
      copyNames: () => [...this.copies],
      entriesAt: (_path: string, names: readonly string[]) =>
        names.map((name) => (this.names.has(name) || this.copies.has(name) ? ({ name } as TreeEntry) : undefined)),
    }
    return new Listings(metadata, this.times, hash)
  }

  set(name: string, isThere: boolean): void {
    const place = { parent: DIRECTORY, name }
    const before = this.names.has(name)
    this.names[isThere ? 'add' : 'delete'](name)
    if (before === isThere) return
    this.tell({ kind: isThere ? 'placement' : 'deletion', ...(before && { placeBefore: place }), placeAfter: place })
  }

  tell(event: Partial<NodeEvent>, isLocal = true): void {
    const whole = { node: 'n' as NodeId, replaced: [], ...event } as unknown as NodeEvent
    this.times.take({ messages: [], isLocal, paths: undefined, authors: new Map(), events: [whole] })
  }
}

async function listed(listings: Listings, { entry }: NamedDirectory, limit = 3): Promise<string[]> {
  const names: string[] = []
  for (let after = 0n; ; ) {
    const page = await listings.page(() => entry, after, limit)
    names.push(...page.entries.map(({ entry: { name } }) => name))
    if (page.isEnd) return names.sort()
    after = page.next
  }
}

describe('a listing that is kept', () => {
  test('is made once, and brought up to date by the names that came and went', async () => {
    const directory = new NamedDirectory()
    for (const name of ['a', 'b', 'c', 'd', 'e']) directory.names.add(name)
    const listings = directory.listings()
    expect(await listed(listings, directory)).toEqual(['a', 'b', 'c', 'd', 'e'])
    directory.set('b', false)
    directory.set('f', true)
    expect(await listed(listings, directory)).toEqual(['a', 'c', 'd', 'e', 'f'])
    expect(directory.walks).toBe(1)
  })

  test('is made anew where another device changed the tree, or a name that is not told', async () => {
    const directory = new NamedDirectory()
    directory.names.add('a')
    const listings = directory.listings()
    await listed(listings, directory)
    directory.names.add('b')
    directory.tell({ kind: 'placement', placeAfter: { parent: 'other' as NodeId, name: 'x' } }, false)
    expect(await listed(listings, directory)).toEqual(['a', 'b'])
    directory.names.add('c')
    directory.times.childrenChanged(DIRECTORY)
    expect(await listed(listings, directory)).toEqual(['a', 'b', 'c'])
    expect(directory.walks).toBe(3)
  })

  test('is made anew while there are conflict copies, which change their names with others', async () => {
    const directory = new NamedDirectory()
    directory.names.add('a')
    const listings = directory.listings()
    await listed(listings, directory)
    directory.copies.add('a (conflict)')
    directory.set('b', true)
    expect(await listed(listings, directory)).toEqual(['a', 'a (conflict)', 'b'])
    directory.copies.clear()
    directory.set('a', false)
    expect(await listed(listings, directory)).toEqual(['b'])
  })

  test('misses no name that comes or goes while it is made', async () => {
    const directory = new NamedDirectory()
    for (const name of ['a', 'b', 'c', 'd']) directory.names.add(name)
    let batches = 0
    directory.onBatch = () => {
      batches += 1
      if (batches === 2) {
        directory.set('a', false)
        directory.set('z', true)
      }
      if (batches === 3) directory.set('b', false)
    }
    expect(await listed(directory.listings(), directory)).toEqual(['c', 'd', 'z'])
  })

  test('is given though the directory changes all the time', async () => {
    const directory = new NamedDirectory()
    directory.names.add('a')
    directory.names.add('b')
    directory.onBatch = () => directory.times.treeChanged()
    expect(await listed(directory.listings(), directory)).toEqual(['a', 'b'])
    expect(directory.walks).toBeLessThan(10)
  })

  test('shows what a new one would after any changes, also where most names share a hash', async () => {
    const name = fc.nat(12).map(String)
    const steps = fc.array(fc.record({ name, isThere: fc.boolean(), isRead: fc.boolean() }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(hashName, (one: string) => hashName(one) % 5n),
        async (all, hash) => {
          const directory = new NamedDirectory()
          const listings = directory.listings(hash)
          for (const step of all) {
            directory.set(step.name, step.isThere)
            if (step.isRead) expect(await listed(listings, directory)).toEqual([...directory.names].sort())
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})
