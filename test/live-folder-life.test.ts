/**
 * Three devices and a person at each of them, who works with real programs. What is random comes from a seed, which is
 * printed. One person acts at a time and all agree before the next does; with DITTOFS_LIFE=wild all act at once, and
 * devices are killed and stopped.
 */
import { execFile } from 'node:child_process'
import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@dittofs/testing'
import { expect, it } from 'vitest'
import { agree, type FolderDevice, foldersOn, linkAll } from './support/live-folders.ts'
import { seededRandom } from './support/tree.ts'

const run = promisify(execFile)
const SEED = Number(process.env.DITTOFS_LIFE_SEED ?? 1)
const IS_WILD = process.env.DITTOFS_LIFE === 'wild'
const ROUNDS = IS_WILD ? 60 : 12

interface Actor {
  readonly folder: string
  readonly random: () => number
  readonly name: string
}

type Act = (actor: Actor) => Promise<unknown>

function pick<T>(items: readonly T[], random: () => number): T | undefined {
  return items[Math.floor(random() * items.length)]
}

/** Files and directories below a folder, without our own and without what git keeps. */
async function entries(folder: string, kind: 'file' | 'directory'): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => (kind === 'file' ? entry.isFile() : entry.isDirectory()))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((place) => !place.includes('.git') && !path.basename(place).startsWith('.dittofs'))
    .sort()
}

const ACTS: readonly Act[] = [
  async function writesFiles({ folder, random, name }) {
    const place = path.join(pick([folder, ...(await entries(folder, 'directory'))], random) ?? folder)
    for (let at = 0; at < 5; at++)
      await writeFile(path.join(place, `${name} ${Math.floor(random() * 40)}.txt`), `${random()}`)
  },
  async function savesAsEditorsDo({ folder, random }) {
    const file = pick(await entries(folder, 'file'), random)
    if (file === undefined) return
    await writeFile(`${file}~`, `saved ${random()}`)
    await rename(`${file}~`, file)
  },
  async function appends({ folder, random }) {
    const file = pick(await entries(folder, 'file'), random)
    if (file !== undefined) await appendFile(file, `line ${random()}\n`)
  },
  async function makesDirectories({ folder, random }) {
    await mkdir(path.join(folder, `d${Math.floor(random() * 6)}`, `e${Math.floor(random() * 6)}`), { recursive: true })
  },
  async function movesADirectory({ folder, random }) {
    const [from, to] = [
      pick(await entries(folder, 'directory'), random),
      pick(await entries(folder, 'directory'), random),
    ]
    if (from !== undefined && to !== undefined)
      await rename(from, path.join(to, `moved ${Math.floor(random() * 1000)}`))
  },
  async function movesAFile({ folder, random }) {
    const file = pick(await entries(folder, 'file'), random)
    if (file !== undefined) await rename(file, path.join(folder, `named ${Math.floor(random() * 30)}`))
  },
  async function removesAFile({ folder, random }) {
    const file = pick(await entries(folder, 'file'), random)
    if (file !== undefined) await rm(file)
  },
  async function removesADirectory({ folder, random }) {
    const directory = pick(await entries(folder, 'directory'), random)
    if (directory !== undefined && random() < 0.3) await rm(directory, { recursive: true })
  },
  async function worksWithGit({ folder, random, name }) {
    const repository = path.join(folder, `repository of ${name}`)
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args], { cwd: repository })
    await mkdir(repository, { recursive: true })
    await git('init', '-q').catch(() => undefined)
    await writeFile(path.join(repository, `source ${Math.floor(random() * 5)}.c`), `${random()}`)
    await git('add', '-A')
    await git('commit', '-q', '-m', 'work')
    await git('checkout', '-q', '-B', `branch${Math.floor(random() * 3)}`)
  },
  async function unpacks({ folder, random }) {
    const directory = pick(await entries(folder, 'directory'), random)
    if (directory === undefined) return
    const archive = path.join(path.dirname(folder), `archive ${Math.floor(random() * 1e9)}.tar`)
    await run('tar', ['cf', archive, '-C', path.dirname(directory), path.basename(directory)])
    const target = path.join(folder, `unpacked ${Math.floor(random() * 5)}`)
    await mkdir(target, { recursive: true })
    await run('tar', ['xf', archive, '-C', target])
    await rm(archive)
  },
]

async function act(actor: Actor): Promise<void> {
  const chosen = pick(ACTS, actor.random) as Act
  // What a person wanted to touch may just have been moved by another device.
  await chosen(actor).catch((error: unknown) => {
    const code = (error as { code?: unknown }).code
    if (typeof code === 'string' && !['ENOENT', 'EINVAL', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(code))
      throw error
  })
}

it(`keeps three folders the same through a random life, with seed ${SEED}`, async () => {
  const devices = await foldersOn(await temporaryDirectory(), ['alice', 'bob', 'carol'])
  await linkAll(devices)
  const random = seededRandom(SEED)
  const actors = devices.map(({ folder, device }, at): Actor => {
    return { folder, name: device.name, random: seededRandom(SEED * 100 + at) }
  })
  for (let round = 0; round < ROUNDS; round++) {
    if (!IS_WILD) {
      await act(actors[round % actors.length] as Actor)
      await agree(devices, { isAccepting: true })
      continue
    }
    await Promise.all(actors.map((actor) => act(actor)))
    const dice = random()
    const one = devices[Math.floor(random() * devices.length)] as FolderDevice
    if (IS_WILD && dice < 0.1) {
      await one.device.kill()
      await act(actors[devices.indexOf(one)] as Actor)
      await one.restart()
    } else if (IS_WILD && dice < 0.15) {
      await one.device.stop()
      await act(actors[devices.indexOf(one)] as Actor)
      await one.restart()
    } else await delay(random() * 300)
  }
  const tree = await agree(devices, { isAccepting: true }).catch(async (error: unknown) => {
    for (const { device } of devices) {
      process.stderr.write(
        `${device.name} lacks:\n${(await device.run('list', '--missing', '-v')).stdout.slice(0, 2000)}\n`,
      )
    }
    throw error
  })
  expect(tree.length).toBeGreaterThan(0)
  for (const { device } of devices) {
    const { status, stdout } = await device.run('verify')
    expect(status, stdout).toBe(0)
  }
}, 600_000)
