import { readFile } from 'node:fs/promises'
import { MIN_CHUNK_BYTES } from '@dittofs/interface'
import { memoryLinkPair, pseudoRandomBytes } from '@dittofs/testing'
import { decodeMessage, type WantMessage, wantedCount } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseProfile } from '../src/choose-profile.ts'
import { LINK_PROFILES, PROFILE_NAMES, type ProfileChoice, type ProfileName } from '../src/link-profile.ts'
import { LinkTuning } from '../src/link-tuning.ts'
import { TransferWindow } from '../src/transfer-window.ts'
import { HOME, TestDevice } from './test-device.ts'

const KIB = 1024
const MIB = 1024 * KIB
const NAMES = ['alice', 'bob']

describe('chooseProfile', () => {
  it('takes what is scarcest, and lan where nothing is known', () => {
    const far = { roundTripMs: 100 }
    expect(chooseProfile({})).toBe('lan')
    expect(chooseProfile({ roundTripMs: 2, bytesPerSecond: 400 * MIB, memoryBytes: 64 * 1024 * MIB })).toBe('lan')
    expect(chooseProfile(far)).toBe('wan')
    expect(chooseProfile({ ...far, waitingChunkBytes: 12 * KIB })).toBe('small-files')
    expect(chooseProfile({ ...far, waitingChunkBytes: 64 * KIB })).toBe('wan')
    expect(chooseProfile({ ...far, waitingChunkBytes: 12 * KIB, memoryBytes: 512 * MIB })).toBe('low-memory')
  })

  it('takes max for a link whose round trip holds more than half of what another profile asks for', () => {
    const long = { roundTripMs: 200, bytesPerSecond: 100 * MIB }
    expect(chooseProfile({ ...long, memoryBytes: 8 * 1024 * MIB })).toBe('max')
    expect(chooseProfile({ ...long, memoryBytes: 2 * 1024 * MIB })).toBe('wan')
    expect(chooseProfile({ ...long, bytesPerSecond: 12 * MIB, memoryBytes: 8 * 1024 * MIB })).toBe('wan')
  })

  it('gives one of the profiles whatever is measured', () => {
    const size = fc.option(fc.double({ min: 0, max: 1e15, noNaN: true }), { nil: undefined })
    const measured = fc
      .record({ bytesPerSecond: size, roundTripMs: size, memoryBytes: size, waitingChunkBytes: size })
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
    fc.assert(fc.property(measured, (given) => PROFILE_NAMES.includes(chooseProfile(given))))
  })
})

describe('LinkTuning', () => {
  it('follows what is measured, and tells of each change once', () => {
    let changes = 0
    const tuning = new LinkTuning({ choice: 'auto', memoryBytes: 8 * 1024 * MIB, onChange: () => changes++ })
    const seen: ProfileName[] = [tuning.name]
    tuning.measured({ roundTripMs: 80 })
    seen.push(tuning.name)
    tuning.measured({ roundTripMs: 80, bytesPerSecond: MIB })
    tuning.waiting({ chunks: 10, bytes: 10 * KIB })
    seen.push(tuning.name)
    tuning.waiting({ chunks: 1000, bytes: 12 * KIB * 1000 })
    seen.push(tuning.name)
    tuning.waiting({ chunks: 10, bytes: 64 * KIB * 10 })
    tuning.waiting({ chunks: 1000, bytes: 64 * KIB * 1000 })
    seen.push(tuning.name)
    expect(seen).toEqual(['lan', 'wan', 'wan', 'small-files', 'wan'])
    expect(changes).toBe(3)
  })

  it('stays with what a person chose', () => {
    const tuning = new LinkTuning({ choice: 'max', memoryBytes: 1, onChange: () => expect.unreachable() })
    tuning.measured({ roundTripMs: 80 })
    expect(tuning.profile).toBe(LINK_PROFILES.max)
  })
})

/** What alice asked bob for while she fetched content, by the profile she has. */
async function fetched(
  profile: ProfileChoice,
  files: Readonly<Record<string, Uint8Array>>,
  answerAfterMs = 0,
): Promise<{ wants: WantMessage[]; askedAtFirst: number; puts: number[]; held: number; used: string }> {
  const alice = await TestDevice.open('alice', NAMES, { profile, machineBytes: 8 * 1024 * MIB })
  const bob = await TestDevice.open('bob', NAMES)
  await bob.write(files)
  const [link, other] = memoryLinkPair({ keys: [alice.key, bob.key] })
  const wants: WantMessage[] = []
  const puts: number[] = []
  let held = 0
  let askedAtFirst = 0
  const put = alice.chunks.put.bind(alice.chunks)
  alice.chunks.put = async (space, chunks, options) => {
    puts.push(chunks.reduce((sum, { bytes }) => sum + bytes.length, 0))
    return put(space, chunks, options)
  }
  const send = link.send.bind(link)
  link.send = (...parts) => {
    const message = decodeMessage(Buffer.concat(parts))
    if (message.type === 'want') {
      wants.push(message)
      held = Math.max(held, alice.engine.transferBytes)
    }
    if (answerAfterMs === 0) return send(...parts)
    setTimeout(() => send(...parts), answerAfterMs)
    return true
  }
  const answer = other.send.bind(other)
  other.send = (...parts) => {
    const { type } = decodeMessage(Buffer.concat(parts))
    if (type === 'chunks' && askedAtFirst === 0) askedAtFirst = alice.engine.transferBytes
    return answer(...parts)
  }
  alice.engine.attach(link)
  bob.engine.attach(other)
  const deadline = AbortSignal.timeout(15_000)
  do {
    await alice.engine.whenUpToDate({ signal: deadline })
  } while ((alice.engine.spaceState(HOME)?.missingChunks ?? 1) > 0 && !deadline.aborted)
  expect(await alice.files()).toEqual(await bob.files())
  return { wants, askedAtFirst, puts, held, used: alice.engine.peers()[0]?.profile ?? '' }
}

const small = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`file ${i}`, pseudoRandomBytes(i + 1, 9000)]))
/** Chunks that are named without a manifest, and are not small. */
const medium = Object.fromEntries(
  Array.from({ length: 200 }, (_, i) => [`file ${i}`, pseudoRandomBytes(i + 1, 100_000)]),
)
const large = { large: pseudoRandomBytes(1, 12 * MIB) }

describe('a profile', () => {
  it('small-files asks for many files at a time', async () => {
    const plain = await fetched('lan', small)
    const grouped = await fetched('small-files', small)
    expect(grouped.wants.length).toBeLessThan(plain.wants.length / 2)
  })

  it.each(['lan', 'wan', 'max'] as const)('%s asks for its first window before anything has come', async (name) => {
    const { askedAtFirst } = await fetched(name, medium)
    const { startWindowBytes } = LINK_PROFILES[name]
    expect(askedAtFirst).toBeGreaterThan(startWindowBytes / 2)
    expect(askedAtFirst).toBeLessThan(2 * startWindowBytes)
  })

  it.each(['lan', 'wan', 'max'] as const)('%s asks for as much ahead as it says, and no more than its most', (name) => {
    const { aheadMs, maxWindowBytes } = LINK_PROFILES[name]
    const windowAt = (bytesPerSecond: number) => {
      const window = new TransferWindow(() => LINK_PROFILES[name])
      window.begin(0)
      window.answered(100)
      for (let now = 100; now < 20_000; now += 100) window.received(bytesPerSecond / 10, now)
      return window.bytes
    }
    expect(windowAt(MIB) / MIB).toBeCloseTo((100 + aheadMs) / 1000, 1)
    expect(windowAt(1024 * MIB)).toBe(maxWindowBytes)
  })

  it('low-memory holds little, asks for little at a time, and stores it in small pieces', async () => {
    const { held, puts, wants } = await fetched('low-memory', large)
    const { maxRequestBytes } = LINK_PROFILES['low-memory']
    expect(held).toBeLessThanOrEqual(LINK_PROFILES['low-memory'].memoryBytes + MIB)
    expect(Math.max(...wants.map(wantedCount))).toBeLessThanOrEqual(maxRequestBytes / MIN_CHUNK_BYTES)
    expect(Math.max(...puts)).toBeLessThanOrEqual(2 * MIB)
  })

  it('is chosen by the round trip, and by what waits', async () => {
    expect((await fetched('auto', { one: pseudoRandomBytes(1, 100_000) }, 40)).used).toBe('wan')
    expect((await fetched('auto', small)).used).toBe('small-files')
  })
})

describe('docs/configuration.md', () => {
  it('has the figures of each profile', async () => {
    const page = await readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')
    const size = (bytes: number) => (bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`)
    for (const name of PROFILE_NAMES) {
      const { startWindowBytes, maxWindowBytes, aheadMs, minRequestBytes, maxRequestBytes, ...rest } =
        LINK_PROFILES[name]
      const cells = [
        ...[name, size(startWindowBytes), size(maxWindowBytes), `${aheadMs} ms`],
        ...[`${size(minRequestBytes)} to ${size(maxRequestBytes)}`, `${size(rest.putBytes)}, ${rest.puts}`],
        ...[size(rest.memoryBytes), `${rest.connections}`],
      ]
      expect(page).toContain(`| ${cells.join(' | ')} |`)
    }
  })
})
