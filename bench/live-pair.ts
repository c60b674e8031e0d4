import { statSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pair } from '../test/support/pairing.ts'
import type { ProcessDevice } from '../test/support/process-device.ts'
import { randomBytes } from '../test/support/tree.ts'
import { benchDevice } from './bench-device.ts'

/** How often the other side is looked at, and how long at most. */
const LOOK_EVERY_MS = 2
const PATIENCE_MS = 300_000

/** A running device and its directory, linked or not yet. */
export interface LiveSide {
  readonly device: ProcessDevice
  readonly folder: string
}

/** Runs `body` with two paired running devices and an empty directory of each; ends them, and shows their logs if it fails. */
export async function withLivePair<T>(
  directory: string,
  body: (alice: LiveSide, bob: LiveSide) => Promise<T>,
): Promise<T> {
  const [alice, bob] = [sideOf(directory, 'alice'), sideOf(directory, 'bob')]
  try {
    for (const { device, folder } of [alice, bob]) {
      await mkdir(folder)
      await device.start()
    }
    await pair(alice.device, bob.device)
    return await body(alice, bob)
  } catch (error) {
    for (const { device } of [alice, bob])
      process.stderr.write(`--- log of ${device.name}\n${device.log.slice(-4000)}\n`)
    throw error
  } finally {
    await alice.device.kill()
    await bob.device.kill()
  }
}

function sideOf(directory: string, name: string): LiveSide {
  return { device: benchDevice(directory, name), folder: path.join(directory, `folder-${name}`) }
}

/** Links both directories and waits until they are the same number of files. */
export async function linkBoth(alice: LiveSide, bob: LiveSide): Promise<void> {
  await bob.device.must('link', bob.folder)
  await alice.device.must('link', alice.folder)
  await untilSame(alice, bob)
}

/** Waits until both devices agree and both directories hold as many entries. */
export async function untilSame(alice: LiveSide, bob: LiveSide): Promise<void> {
  for (let round = 0; round < 30; round++) {
    for (const { device } of [alice, bob]) await device.must('status', '--wait', '--timeout', '300s')
    const [here, there] = await Promise.all([countIn(alice.folder), countIn(bob.folder)])
    if (here === there) return
  }
  throw new Error('the two directories do not come to the same number of entries')
}

async function countIn(folder: string): Promise<number> {
  return (await readdir(folder, { recursive: true })).length
}

/** Waits until there is a file or directory of that name; of a file, until it has `bytes` bytes. */
export async function untilShown(file: string, bytes?: number): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  while (performance.now() < giveUpAt) {
    const found = statSync(file, { throwIfNoEntry: false })
    if (found !== undefined && (bytes === undefined || found.size === bytes)) return
    await sleep(LOOK_EVERY_MS)
  }
  throw new Error(`${file} was not there within ${PATIENCE_MS / 1000} seconds`)
}

/** Writes `files` files of `fileBytes` random bytes, spread evenly over `directories` directories. */
export async function writeEvenTree(
  root: string,
  files: number,
  directories: number,
  fileBytes: number,
): Promise<void> {
  for (let at = 0; at < directories; at++) await mkdir(path.join(root, `directory ${at}`), { recursive: true })
  for (let at = 0; at < files; at++) {
    await writeFile(path.join(root, `directory ${at % directories}`, `file ${at}.bin`), randomBytes(fileBytes, at))
  }
}
