import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLevelIndexDatabase } from '../src/level-index-database.ts'

async function bytesIn(directory: string): Promise<number> {
  const sizes = await Promise.all((await readdir(directory)).map((name) => stat(path.join(directory, name))))
  return sizes.reduce((sum, { size }) => sum + size, 0)
}

describe('the index database on disk', () => {
  it('gives back the space of what was removed when it is compacted, and keeps the rest', async () => {
    const directory = path.join(await temporaryDirectory(), 'index')
    const database = await openLevelIndexDatabase(directory, true)
    onTestFinished(() => database.close())
    const key = (nth: number) => Buffer.from(`c${nth}`)
    const rows = Array.from({ length: 10_000 }, (_, nth) => ({ key: key(nth), value: Buffer.alloc(40, nth) }))
    await database.write(rows)
    await database.write(rows.slice(1).map((row) => ({ key: row.key })))
    const before = await bytesIn(directory)
    await database.compact()
    expect(await bytesIn(directory)).toBeLessThan(before / 2)
    expect(await database.getMany([key(0), key(1)])).toEqual([Buffer.alloc(40), undefined])
  })
})
