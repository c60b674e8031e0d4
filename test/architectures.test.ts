import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { CheckedFinding } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { firstDifference } from '../packages/daemon/src/doctor/integrity/first-difference.ts'
import { PATTERN_SIZES, PATTERNS } from '../packages/daemon/src/doctor/integrity/patterns.ts'
import { arm64Launcher, arm64Unavailable } from './support/arm64.ts'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { pair } from './support/pairing.ts'
import { ProcessDevice } from './support/process-device.ts'

/** A start of the daemon takes seconds where each instruction is translated. */
const TIMEOUT_MS = 240_000

const DAEMON_ARGS = ['--host', '127.0.0.1', '--no-mdns', '--no-beacon']

/** A device whose daemon runs on an architecture. Commands that find it running do what they do in the daemon. */
function deviceOn(architecture: 'x86-64' | 'arm64', home: string): ProcessDevice {
  const device = new ProcessDevice({
    ...{ home, name: architecture, daemonArgs: DAEMON_ARGS },
    ...(architecture === 'arm64' && { daemonLauncher: arm64Launcher() }),
  })
  endAfterTest([device])
  return device
}

const patterns = PATTERNS.flatMap(({ name, make }) =>
  PATTERN_SIZES.map((size) => ({ file: `${name}, ${size}`, bytes: make(size) })),
)

/** Writes every pattern in every size into a directory. */
async function writePatterns(directory: string): Promise<void> {
  await mkdir(directory)
  for (const { file, bytes } of patterns) await writeFile(path.join(directory, file), bytes)
}

/** For each pattern that is not as it was: where it begins to differ, in hex. */
async function differencesIn(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const { file, bytes } of patterns) {
    const difference = firstDifference(bytes, await readFile(path.join(directory, file)))
    if (difference !== undefined) found.push(`${file}: ${difference}`)
  }
  return found
}

interface ListedFile {
  path: string
  chunkIds?: string[]
}

async function chunksOf(device: ProcessDevice, listed: string): Promise<readonly ListedFile[]> {
  const entries = await device.json<ListedFile[]>('list', '--verbose', listed)
  return entries.map(({ path: file, chunkIds }) => ({
    path: file.slice(listed.length),
    ...(chunkIds !== undefined && { chunkIds }),
  }))
}

describe.skipIf(skipBecause(arm64Unavailable()))('x86-64 and arm64', () => {
  it(
    'cut and hash alike, and each reads the stores of the other',
    async () => {
      const directory = await temporaryDirectory()
      const source = path.join(directory, 'patterns')
      await writePatterns(source)
      const homes = { 'x86-64': path.join(directory, 'home of x86-64'), arm64: path.join(directory, 'home of arm64') }
      const written = new Map<string, readonly ListedFile[]>()
      for (const architecture of ['x86-64', 'arm64'] as const) {
        const writer = deviceOn(architecture, homes[architecture])
        await writer.start()
        await writer.must('add', source)
        written.set(architecture, await chunksOf(writer, 'patterns'))
        await writer.stop()
      }
      expect(written.get('arm64')).toEqual(written.get('x86-64'))
      for (const architecture of ['x86-64', 'arm64'] as const) {
        const reader = deviceOn(architecture, homes[architecture === 'arm64' ? 'x86-64' : 'arm64'])
        await reader.start()
        await reader.must('verify')
        const got = path.join(directory, `read on ${architecture}`)
        await reader.must('get', 'patterns', '--output', got)
        expect(await differencesIn(got)).toEqual([])
        await reader.stop()
      }
    },
    TIMEOUT_MS,
  )

  it(
    'sync with each other, both ways, and give back the patterns of the other',
    async () => {
      const directory = await temporaryDirectory()
      const here = deviceOn('x86-64', path.join(directory, 'home here'))
      const there = deviceOn('arm64', path.join(directory, 'home there'))
      await Promise.all([here.start(), there.start()])
      await pair(here, there)
      for (const device of [here, there]) {
        const source = path.join(directory, `from ${device.name}`)
        await writePatterns(source)
        await device.must('add', source)
      }
      await here.must('sync', '--timeout', '60')
      await there.must('sync', '--timeout', '60')
      for (const [reader, writer] of [
        [here, there],
        [there, here],
      ] as const) {
        const got = path.join(directory, `got by ${reader.name}`)
        await reader.must('get', `from ${writer.name}`, '--output', got)
        expect(await differencesIn(got)).toEqual([])
      }
      const { stdout } = await here.run('doctor', '--json', '--integrity', 'arm64')
      const { findings } = JSON.parse(stdout) as { findings: CheckedFinding[] }
      const about = findings.filter(({ check }) => check === 'peer integrity')
      expect(about.map(({ level, text }) => (level === 'ok' ? level : text))).toEqual(['ok'])
    },
    TIMEOUT_MS,
  )
})
