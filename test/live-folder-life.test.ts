/**
 * Three devices and a person at each of them, who works with real programs: git, npm, tar, and where they are installed
 * rsync and sqlite. What is random comes from a seed, which is printed; DITTOFS_LIFE_SEED chooses another, and
 * DITTOFS_LIFE_ROUNDS a longer life. Where namespaces can be made the wild life is one of three hosts on a switch, whose
 * cables are pulled as well; else it is on the loopback interface.
 */
import { execFile } from 'node:child_process'
import { appendFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { agree, type FolderDevice, foldersOn, foldersOnLan, linkAll } from './support/live-folders.ts'
import { namespacesUnavailable } from './support/network.ts'
import { seededRandom } from './support/tree.ts'

const run = promisify(execFile)
const SEED = Number(process.env.DITTOFS_LIFE_SEED ?? 1)
const NAMES = ['alice', 'bob', 'carol'] as const
const ROUNDS = Number(process.env.DITTOFS_LIFE_ROUNDS ?? 60)
/** Of the calm form, where all agree after each round, which takes most of its time. */
const CALM_ROUNDS = 12

interface Actor {
  readonly acts: readonly Act[]
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

/** Packs a small package once, so that npm can install it without a network. */
async function packPackage(directory: string): Promise<string> {
  const source = path.join(directory, 'package to install')
  await mkdir(path.join(source, 'lib'), { recursive: true })
  await writeFile(path.join(source, 'package.json'), JSON.stringify({ name: 'installed', version: '1.0.0' }))
  for (let at = 0; at < 20; at++) await writeFile(path.join(source, 'lib', `module ${at}.js`), `export default ${at}\n`)
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: source })
  return path.join(directory, stdout.trim())
}

/** Installs a package, and removes it the next time. */
function installs(packed: string): Act {
  return async function installsWithNpm({ folder, name }) {
    const project = path.join(folder, `project of ${name}`)
    await mkdir(project, { recursive: true })
    const isThere = await stat(path.join(project, 'node_modules', 'installed')).then(
      () => true,
      () => false,
    )
    const what = isThere ? ['uninstall', 'installed'] : ['install', packed]
    const cache = path.join(path.dirname(folder), `npm cache of ${name}`)
    // It gives up where a file goes while it works, which is no fault of ours.
    await run('npm', [...what, '--offline', '--no-audit', '--no-fund', '--cache', cache], { cwd: project }).catch(
      () => undefined,
    )
  }
}

/** Programs that a machine may not have. */
const ACTS_BY_PROGRAM: Readonly<Record<string, Act>> = {
  async rsync({ folder, random }) {
    const directory = pick(await entries(folder, 'directory'), random)
    if (directory === undefined) return
    await run('rsync', ['-a', '--delete', `${directory}/`, path.join(folder, 'mirrored')]).catch((error: unknown) => {
      // 23 and 24: files that went away while it worked.
      if (![23, 24].includes((error as { code?: number }).code ?? 0)) throw error
    })
  },
  async sqlite3({ folder, random, name }) {
    const sql = `create table if not exists t (x); insert into t values (${random()}); delete from t where rowid % 7 = 0;`
    await run('sqlite3', [path.join(folder, `database of ${name}.db`), sql])
  },
}

async function acts(directory: string): Promise<readonly Act[]> {
  const found = [...ACTS, installs(await packPackage(directory))]
  for (const [program, act] of Object.entries(ACTS_BY_PROGRAM)) {
    const isThere = await run(program, ['--version']).then(
      () => true,
      () => false,
    )
    if (isThere) found.push(act)
    else if (process.env.DITTOFS_TEST_ALL === '1') throw new Error(`${program} is not installed`)
  }
  return found
}

async function act(actor: Actor): Promise<void> {
  const chosen = pick(actor.acts, actor.random) as Act
  // What a person wanted to touch may just have been moved by another device.
  await chosen(actor).catch((error: unknown) => {
    const code = (error as { code?: unknown }).code
    if (typeof code === 'string' && !['ENOENT', 'EINVAL', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(code))
      throw error
  })
}

/** A device that is killed, stopped, unplugged, or hangs for a while: its links are cut, or silent. */
async function disturb(
  one: FolderDevice,
  actor: Actor,
  dice: number,
  setPlugged: ((isPlugged: boolean) => Promise<void>) | undefined,
): Promise<void> {
  if (dice < 0.15) {
    if (dice < 0.1) await one.device.kill()
    else await one.device.stop()
    await act(actor)
    await one.restart()
  } else if (dice < 0.2) {
    const pid = one.device.daemonPid as number
    process.kill(pid, 'SIGSTOP')
    await act(actor)
    await delay(1500)
    process.kill(pid, 'SIGCONT')
  } else if (dice < 0.25 && setPlugged !== undefined) {
    await setPlugged(false)
    await act(actor)
    await delay(1500)
    await setPlugged(true)
  } else await delay(dice * 300)
}

async function lives({ isWild = false } = {}) {
  const directory = await temporaryDirectory()
  const lan = isWild && namespacesUnavailable() === undefined ? await foldersOnLan(directory, NAMES) : undefined
  const devices = lan?.devices ?? (await foldersOn(directory, NAMES))
  await linkAll(devices)
  const known = await acts(directory)
  const actors = devices.map(({ folder, device }, at): Actor => {
    return { acts: known, folder, name: device.name, random: seededRandom(SEED * 100 + at) }
  })
  return { devices, actors, network: lan?.network }
}

/** All have the same tree, with all of its bytes whole. */
async function expectAgreement(devices: readonly FolderDevice[]): Promise<void> {
  // Those that were just started or plugged in have yet to find each other.
  for (const { device } of devices) await device.must('sync', '--timeout', '300s')
  const tree = await agree(devices, { isAccepting: true })
  expect(tree.length).toBeGreaterThan(0)
  for (const { device } of devices) {
    const { status, stdout } = await device.run('verify')
    expect(status, stdout).toBe(0)
  }
}

describe(`three folders in a random life, with seed ${SEED}`, () => {
  it('are the same after each thing that one of three people does', async () => {
    const { devices, actors } = await lives()
    for (let round = 0; round < CALM_ROUNDS; round++) {
      await act(actors[round % actors.length] as Actor)
      await agree(devices, { isAccepting: true })
    }
    await expectAgreement(devices)
  })

  it('come to be the same after all act at once, while devices are killed, stopped and hang', async () => {
    const { devices, actors, network } = await lives({ isWild: true })
    const random = seededRandom(SEED)
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(actors.map((actor) => act(actor)))
      const at = Math.floor(random() * devices.length)
      const setPlugged = network && ((isPlugged: boolean) => network.setPlugged(at, isPlugged))
      await disturb(devices[at] as FolderDevice, actors[at] as Actor, random(), setPlugged)
    }
    await expectAgreement(devices)
  })
})
