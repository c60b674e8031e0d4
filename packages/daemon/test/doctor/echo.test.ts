import { readdir } from 'node:fs/promises'
import { packChunkStore } from '@dittofs/chunk-store'
import { type ChunkStore, type DeviceInfo, DittoError, type Finding, type PatternCheckResult } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { echoCheck } from '../../src/doctor/integrity/echo-check.ts'
import { EchoDesk } from '../../src/doctor/integrity/echo-desk.ts'
import { pairedIntegrityCheck } from '../../src/doctor/integrity/paired-integrity-check.ts'
import { ECHO_SIZES, PATTERNS, SLOW_ECHO_SIZES } from '../../src/doctor/integrity/patterns.ts'

const SEED = new Uint8Array(16).fill(7)
const { signal } = new AbortController()

const plainStore = (directory: string) => packChunkStore({ directory, workers: 0 })

/** A desk of another device, and the store of the one that asks. */
async function bothSides(createStore: (directory: string) => ChunkStore = plainStore) {
  const directory = await temporaryDirectory()
  const desk = new EchoDesk({ directory, createStore, now: Date.now })
  const store = plainStore(await temporaryDirectory())
  await store.open()
  return { desk, store, directory }
}

describe('echoCheck', () => {
  it('takes every pattern through the store of the other device, and leaves nothing there', async () => {
    const { desk, store, directory } = await bothSides()
    const sizes = [0, Math.max(...SLOW_ECHO_SIZES)]
    const ask = async (question: Parameters<typeof desk.answer>[0]) => (await desk.answer(question, { signal }))!
    const result = await echoCheck({ store, seed: SEED, sizes, ask })
    expect(result).toMatchObject({ contents: sizes.length * PATTERNS.length, faults: [] })
    expect(await readdir(directory)).toEqual([])
    await store.close()
  })

  it('tells in hex where what comes back begins to differ, and whether it arrived so', async () => {
    const { desk, store } = await bothSides()
    const ask = async (question: Parameters<typeof desk.answer>[0]) => {
      const bytes = Buffer.from(question.bytes)
      if (bytes.length === 1) bytes[0] = (bytes[0] as number) ^ 0x80
      return (await desk.answer({ ...question, bytes }, { signal }))!
    }
    const { faults } = await echoCheck({ store, seed: SEED, sizes: [1], ask })
    expect(faults.slice(0, 4)).toEqual([
      'all A, 1 bytes: of what came back at byte 0 (0x0) there is c1 in place of 41',
      'all A, 1 bytes: what arrived there is not the pattern as it is made there, from byte 0 on',
      'all A, 1 bytes: it is cut or hashed otherwise there (fastcdc)',
      'all A, 1 bytes: it is cut or hashed otherwise there (fixed)',
    ])
    await store.close()
  })

  it('finds a device that hashes otherwise, though all bytes come back', async () => {
    const { desk, store } = await bothSides()
    const ask = async (question: Parameters<typeof desk.answer>[0]) => ({
      ...(await desk.answer(question, { signal }))!,
      digests: new Uint8Array(64),
    })
    const { faults } = await echoCheck({ store, seed: SEED, sizes: [0], ask })
    expect(faults).toHaveLength(2 * PATTERNS.length)
    await store.close()
  })

  it('has sizes up to what one message holds', () => {
    expect(Math.max(...ECHO_SIZES)).toBe(1_047_552)
  })
})

describe('EchoDesk', () => {
  it('lets few wait, and forgets what a device that left had asked', async () => {
    const { desk, store, directory } = await bothSides()
    const question = { pattern: 0, seed: SEED, bytes: Buffer.from('A') }
    const gone = new AbortController()
    const answers = [1, 2, 3, 4, 5, 6].map((number) =>
      desk.answer(question, { signal: number === 2 ? gone.signal : signal }).then(
        (answer) => (answer === undefined ? 'busy' : 'done'),
        (error: unknown) => String(error),
      ),
    )
    gone.abort('it left')
    expect(await Promise.all(answers)).toEqual(['done', 'it left', 'done', 'done', 'busy', 'busy'])
    await desk.close()
    expect(await readdir(directory)).toEqual([])
    await store.close()
  })

  it('takes a pattern that it does not know as it comes', async () => {
    const { desk, store } = await bothSides()
    const answer = await desk.answer({ pattern: 200, seed: SEED, bytes: Buffer.from('anything') }, { signal })
    expect(answer?.differsAt).toBeUndefined()
    expect(Buffer.from(answer!.bytes).toString()).toBe('anything')
    await store.close()
  })

  it('fails, and leaves nothing behind, where its store does not give back what it took', async () => {
    const { desk, store, directory } = await bothSides((place) => {
      const damaged = plainStore(place)
      damaged.get = async () => undefined
      return damaged
    })
    const asked = desk.answer({ pattern: 0, seed: SEED, bytes: Buffer.from('AA') }, { signal })
    await expect(asked).rejects.toThrow('is not there')
    expect(await readdir(directory)).toEqual([])
    await store.close()
  })
})

describe('peer integrity', () => {
  const nas = { id: 'NAS', name: 'nas' } as unknown as DeviceInfo
  const good = { device: nas, link: 'tcp', seed: '07', contents: 3, bytes: 2 ** 20, faults: [] } as PatternCheckResult

  const run = (init: {
    devices?: readonly DeviceInfo[]
    device?: string
    check?: () => Promise<PatternCheckResult>
  }): Promise<Finding[]> =>
    pairedIntegrityCheck({
      devices: async () => init.devices ?? [nas],
      device: init.device,
      check: init.check ?? (async () => good),
    }).run()

  it('says what went where, and by which seed', async () => {
    expect(await run({})).toEqual([
      {
        level: 'ok',
        text: '3 contents of known patterns, 1 MiB, went to "nas" (NAS) by tcp, through a store there and back as they were; seed 07.',
      },
    ])
  })

  it('gives damage a code, whoever was named', async () => {
    const check = async () => ({ ...good, faults: ['all A, 1 bytes: of what came back at byte 0'] })
    const findings = await run({ check })
    expect(findings.map(({ level, code }) => [level, code])).toEqual([
      ['problem', 'DITTO_CHUNK_CORRUPT'],
      ['problem', 'DITTO_CHUNK_CORRUPT'],
    ])
  })

  it('takes it for a problem that a device is away only where it was named', async () => {
    const check = () => Promise.reject(new DittoError('DITTO_PEER_UNREACHABLE', 'It is away.'))
    expect(await run({ device: 'NAS', check })).toEqual([
      { level: 'problem', text: 'It is away.', code: 'DITTO_PEER_UNREACHABLE' },
    ])
    expect(await run({ check })).toEqual([{ level: 'warning', text: 'It is away.' }])
  })

  it('asks for a name where there are several devices, and for nothing where there is none', async () => {
    expect((await run({ devices: [nas, nas] }))[0]?.text).toContain('--integrity DEVICE')
    expect((await run({ devices: [] }))[0]?.level).toBe('ok')
  })
})
