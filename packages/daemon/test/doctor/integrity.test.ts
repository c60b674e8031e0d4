import { mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { packChunkStore } from '@dittofs/chunk-store'
import type { ChunkStore, Finding } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { firstDifference } from '../../src/doctor/integrity/first-difference.ts'
import { integrityCheck } from '../../src/doctor/integrity/integrity-check.ts'
import { PATTERN_SIZES, PATTERNS } from '../../src/doctor/integrity/patterns.ts'

type Get = ChunkStore['get']

/** The check's findings, and what it left behind, with a store whose `get` is changed by `decorate`. */
async function checked(
  sizes: readonly number[],
  decorate: (get: Get) => Get = (get) => get,
): Promise<{ findings: Finding[]; left: string[] }> {
  const directory = await temporaryDirectory()
  const check = integrityCheck({
    directory: async () => directory,
    now: Date.now,
    sizes,
    createStore: (place) => {
      const store = packChunkStore({ directory: place, workers: 0 })
      store.get = decorate(store.get.bind(store))
      return store
    },
  })
  const findings = await check.run()
  return { findings, left: await readdir(directory) }
}

describe('integrity', () => {
  it('finds every pattern as it was, and leaves nothing behind', async () => {
    const { findings, left } = await checked(PATTERN_SIZES)
    expect(findings).toEqual([{ level: 'ok', text: expect.stringContaining('144 contents') as string }])
    expect(left).toEqual([])
  })

  it('tells the first difference in hex where something else comes back', async () => {
    const damaged: (get: Get) => Get = (get) => async (space, id, options) => {
      const bytes = await get(space, id, options)
      if (bytes?.length === 1) bytes[0] = 0x40
      return bytes
    }
    const { findings, left } = await checked([1], damaged)
    expect(findings[0]).toEqual({
      level: 'problem',
      text: 'all A, 1 bytes (fastcdc): at byte 0 (0x0) there is 40 in place of 41.',
      code: 'DITTO_CHUNK_CORRUPT',
    })
    expect(findings.at(-1)?.text).toContain('cannot be trusted')
    expect(left).toEqual([])
  })

  it('tells a few of many faults, and what a chunk is refused for', async () => {
    const { findings } = await checked(
      [1, 2],
      () => async () => Promise.reject(new Error('It does not match its hash.')),
    )
    expect(findings).toHaveLength(9)
    expect(findings[0]?.text).toMatch(
      /^all A, 1 bytes \(fastcdc\): the chunk [0-9a-f]{64} was not given: .*its hash\.$/,
    )
  })

  it('removes what a check that was cut off left behind, when it is old', async () => {
    const directory = await temporaryDirectory()
    const left = path.join(directory, 'integrity-0123456789ab')
    await mkdir(left)
    const run = (now: number) =>
      integrityCheck({
        directory: async () => directory,
        createStore: (place) => packChunkStore({ directory: place, workers: 0 }),
        now: () => now,
        sizes: [],
      }).run()
    await run(Date.now())
    expect(await readdir(directory)).toEqual(['integrity-0123456789ab'])
    await run(Date.now() + 2 * 60 * 60 * 1000)
    expect(await readdir(directory)).toEqual([])
  })

  it('warns where there is no home yet', async () => {
    const check = integrityCheck({
      directory: async () => undefined,
      now: Date.now,
      createStore: () => {
        throw new Error('nothing is to be made')
      },
    })
    expect(await check.run()).toMatchObject([{ level: 'warning' }])
  })
})

describe('patterns', () => {
  it('have the size asked for, and the same beginning at every size', () => {
    for (const { make } of PATTERNS) {
      const longest = make(Math.max(...PATTERN_SIZES))
      for (const size of PATTERN_SIZES) {
        expect(Buffer.compare(make(size), longest.subarray(0, size))).toBe(0)
      }
    }
  })

  it('are the same on every machine', () => {
    const begins = PATTERNS.map(({ name, make }) => [name, Buffer.from(make(9)).toString('hex')])
    expect(Object.fromEntries(begins)).toEqual({
      'all A': '414141414141414141',
      zeros: '000000000000000000',
      'sequential bytes': '000102030405060708',
      'alternating bits': '55aa55aa55aa55aa55',
      'little-endian counters': '000000000100000002',
      random: expect.stringMatching(/^[0-9a-f]{18}$/) as string,
    })
  })
})

describe('firstDifference', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex')

  it('is nothing for the same bytes', () => {
    expect(firstDifference(bytes('0102'), bytes('0102'))).toBeUndefined()
  })

  it('names the offset and what is on both sides', () => {
    expect(firstDifference(bytes('010203'), bytes('01ff03'))).toBe('at byte 1 (0x1) there is ff03 in place of 0203')
  })

  it('says where one of them ends', () => {
    expect(firstDifference(bytes('0102'), bytes('01'))).toBe('at byte 1 (0x1) there is the end in place of 02')
  })
})
