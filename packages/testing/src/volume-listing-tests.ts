import type { Volume } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import { namesOf, type OpenVolume, seededNumbers } from './volume-samples.ts'

const SEEDS = [1, 2, 3, 4, 5]

/** What the listing of a directory promises. */
export function volumeListingTests(open: OpenVolume): void {
  describe('readDirectory', () => {
    test('tells every entry once, in pages of any size', async () => {
      const volume = await open()
      const names = Array.from({ length: 50 }, (_, at) => `n${at}`)
      for (const name of names) await volume.makeDirectory(volume.root, name, 0o755)
      for (const limit of [1, 7, 50, 4096]) {
        const seen: string[] = []
        for (let after = 0n; ; ) {
          const { entries, isEnd } = await volume.readDirectory(volume.root, { after, limit })
          expect(entries.length).toBeLessThanOrEqual(limit)
          for (const { name, cookie } of entries) {
            expect(cookie > 0n && cookie < 2n ** 63n).toBe(true)
            seen.push(name)
          }
          if (isEnd) break
          after = entries.at(-1)?.cookie as bigint
        }
        expect(seen.sort()).toEqual([...names].sort())
      }
    })

    test('gives what lookup gives', async () => {
      const volume = await open()
      await volume.makeDirectory(volume.root, 'd', 0o700)
      await volume.create(volume.root, 'f', { mode: 0o600, rule: 'guarded' })
      await volume.makeSymlink(volume.root, 'l', 'f')
      const { entries, isEnd } = await volume.readDirectory(volume.root, { after: 0n, limit: 10 })
      expect(isEnd).toBe(true)
      expect(entries).toHaveLength(3)
      for (const { name, handle, attributes } of entries) {
        expect(await volume.lookup(volume.root, name)).toEqual({ handle, attributes })
      }
    })

    test('gives the same names, cookies and file IDs where no attributes are wanted', async () => {
      const volume = await open()
      await volume.makeDirectory(volume.root, 'd', 0o700)
      await volume.create(volume.root, 'f', { mode: 0o600, rule: 'guarded' })
      await volume.makeSymlink(volume.root, 'l', 'f')
      for (const limit of [1, 2, 10]) {
        for (let after = 0n, isEnd = false; !isEnd; ) {
          const page = await volume.readDirectory(volume.root, { after, limit })
          const names = page.entries.map(({ name, cookie, attributes: { fileId } }) => {
            return { name, cookie, fileId }
          })
          expect(await volume.readNames(volume.root, { after, limit })).toEqual({ entries: names, isEnd: page.isEnd })
          after = page.entries.at(-1)?.cookie ?? after
          isEnd = page.isEnd
        }
      }
    })

    test('has an end where there is nothing, and behind the last entry', async () => {
      const volume = await open()
      const end = { entries: [], isEnd: true }
      expect(await volume.readDirectory(volume.root, { after: 0n, limit: 1 })).toEqual(end)
      await volume.makeDirectory(volume.root, 'd', 0o755)
      expect(await volume.readDirectory(volume.root, { after: 2n ** 63n - 1n, limit: 1 })).toEqual(end)
    })

    test.each([0, -1, 1.5, Number.NaN, 4097])('refuses a limit of %d', async (limit) => {
      const volume = await open()
      const listing = volume.readDirectory(volume.root, { after: 0n, limit })
      await expect(listing).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
      await expect(volume.readNames(volume.root, { after: 0n, limit })).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    })

    test('refuses what is no directory', async () => {
      const volume = await open()
      const { handle } = await volume.create(volume.root, 'f', { mode: 0o600, rule: 'guarded' })
      const listing = volume.readDirectory(handle, { after: 0n, limit: 1 })
      await expect(listing).rejects.toMatchObject({ code: 'DITTO_NOT_DIRECTORY' })
    })

    test.each(SEEDS)('misses and repeats nothing while names come and go (seed %d)', async (seed) => {
      const volume = await open()
      const draw = seededNumbers(seed)
      for (let at = 0; at < 30; at++) await volume.makeDirectory(volume.root, `n${draw(60)}-${at}`, 0o755)
      const present = new Set(await namesOf(volume, volume.root))
      const throughout = new Set(present)
      const seen: string[] = []
      for (let after = 0n; ; ) {
        const { entries, isEnd } = await volume.readDirectory(volume.root, { after, limit: 1 + draw(4) })
        seen.push(...entries.map(({ name }) => name))
        if (isEnd) break
        after = entries.at(-1)?.cookie as bigint
        await change(volume, draw, present, throughout)
      }
      expect(new Set(seen).size).toBe(seen.length)
      expect(seen).toEqual(expect.arrayContaining([...throughout]))
    })
  })
}

/** One change of the root: a name comes, goes, becomes another, or is taken over by another node. */
async function change(
  volume: Volume,
  draw: (below: number) => number,
  present: Set<string>,
  throughout: Set<string>,
): Promise<void> {
  const name = [...present][draw(present.size)] as string
  const fresh = `new${draw(1_000_000)}`
  const kind = draw(4)
  if (kind === 0 || present.size < 4) {
    await volume.makeDirectory(volume.root, fresh, 0o755)
    present.add(fresh)
  } else if (kind === 1) {
    await volume.removeDirectory(volume.root, name)
    present.delete(name)
    throughout.delete(name)
  } else if (kind === 2) {
    await volume.rename(volume.root, name, volume.root, fresh)
    present.delete(name)
    present.add(fresh)
    throughout.delete(name)
  } else {
    const other = [...present][draw(present.size)] as string
    if (other === name) return
    // The name that is taken over stands all the while.
    await volume.rename(volume.root, name, volume.root, other)
    present.delete(name)
    throughout.delete(name)
  }
}
