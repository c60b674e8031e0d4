import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, test } from 'vitest'
import type { SpaceVolume } from '../src/index.ts'
import { bundleProgram } from './support/bundle-program.ts'
import { openDiskSpace } from './support/disk-space.ts'
import { bytesOf } from './support/file-samples.ts'
import { LaneStory } from './support/lane-story.ts'

const ROUNDS = Number(process.env.DITTOFS_KILL_ROUNDS ?? 3)
const LANES = 4
const MAX_LIFE_MS = 300
/** Where the chunk store finds the packages that it requires, which stay out of the bundle. */
const INSTALLED = path.join(import.meta.dirname, '..', '..', 'chunk-store', 'node_modules')

/** What a directory may be found to hold: by name the contents, `undefined` for a directory. */
type Found = ReadonlyMap<string, readonly Buffer[] | undefined>

/** Lets a process write for a while and kills it. @returns of each lane, how many calls it began */
async function killedWriter(program: string, directory: string, seed: string, lifeMs: number): Promise<number[]> {
  const writer = spawn(process.execPath, [program, directory, seed, String(LANES)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_PATH: INSTALLED },
  })
  const begun = Array.from({ length: LANES }, () => 0)
  writer.stdout.on('data', (lanes: Buffer) => {
    for (const lane of lanes) begun[lane] = (begun[lane] ?? 0) + 1
  })
  const ended = once(writer, 'close')
  await Promise.race([once(writer.stdout, 'data'), ended])
  await setTimeout(lifeMs)
  writer.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])
  return begun
}

async function foundIn(volume: SpaceVolume, name: string): Promise<Found | undefined> {
  const directory = await volume.lookup(volume.root, name).catch(() => undefined)
  if (directory === undefined) return undefined
  const { entries } = await volume.readDirectory(directory.handle, { after: 0n, limit: 4096 })
  const found = new Map<string, readonly Buffer[] | undefined>()
  for (const { name: inner, handle, attributes } of entries) {
    found.set(inner, attributes.kind === 'directory' ? undefined : [await bytesOf(volume, handle)])
  }
  return found
}

/** Why what was found is not what a story allows; `undefined` where it is. */
function difference(found: Found, allowed: Found): string | undefined {
  const names = (map: Found) => [...map.keys()].sort().join()
  if (names(found) !== names(allowed)) return `names ${names(found)} in place of ${names(allowed)}`
  for (const [name, contents] of allowed) {
    const [bytes] = found.get(name) ?? []
    if ((bytes === undefined) !== (contents === undefined)) return `${name} is of another kind`
    if (bytes !== undefined && contents?.some((one) => one.equals(bytes)) !== true) return `${name} has other bytes`
  }
  return undefined
}

describe('a process that is killed while it writes', () => {
  const first = Number(process.env.DITTOFS_TEST_SEED ?? Date.now() % 1_000_000)

  test(`leaves every byte and name that was acknowledged, ${ROUNDS} times over (seed ${first})`, {
    timeout: ROUNDS * 15_000,
  }, async () => {
    const home = await temporaryDirectory()
    const program = await bundleProgram(path.join(import.meta.dirname, 'support', 'lane-writer.ts'), home)
    const directory = path.join(home, 'device')
    await mkdir(directory)
    const before = new Map<string, Found>()
    let acknowledged = 0
    for (let round = 0; round < ROUNDS; round++) {
      const seed = `${first + round}`
      const begun = await killedWriter(program, directory, seed, (first * 31 + round * 7919) % MAX_LIFE_MS)
      const space = await openDiskSpace(directory)
      for (const [name, found] of before) expect(await foundIn(space.volume, name), name).toEqual(found)
      for (const [lane, calls] of begun.entries()) {
        const name = `${seed} ${lane}`
        const found = await foundIn(space.volume, name)
        if (calls === 0) {
          // Its directory was not answered for.
          if (found !== undefined) before.set(name, found)
          continue
        }
        expect(found, `the directory of lane ${name}`).toBeDefined()
        const story = new LaneStory(name)
        for (let call = 1; call < calls; call++) story.next()
        acknowledged += calls - 1
        const answered = story.entries
        // The call that was under way may have been done or not.
        const last = story.next()
        const differences = [answered, story.entries].map((allowed) => difference(found as Found, allowed))
        expect(differences, `lane ${name} at call ${calls}, ${last.kind}`).toContain(undefined)
        before.set(name, found as Found)
      }
      await space.close()
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS)
  })
})
