import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { onLan, onLoopback } from './lan.ts'
import type { TestNetwork } from './network.ts'
import { pair, peerAddress } from './pairing.ts'
import type { ProcessDevice } from './process-device.ts'
import { describeTree } from './tree.ts'

/** A running device and its live folder. */
export interface FolderDevice {
  readonly device: ProcessDevice
  readonly folder: string
  /** Starts the daemon again, in touch with the others. */
  readonly restart: () => Promise<void>
}

/** Running devices, paired with the first, each with an empty directory that is not linked yet. */
export async function foldersOn(directory: string, names: readonly string[]): Promise<readonly FolderDevice[]> {
  const devices = onLoopback(directory, names)
  const restart = (device: ProcessDevice) =>
    device.start(
      ...devices.flatMap((other) => {
        const isUp = other !== device && other.daemonPid !== undefined
        return isUp ? ['--peer', peerAddress(other)] : []
      }),
    )
  return foldersOf(directory, devices, restart)
}

/** The same on hosts of their own, on one switch: they find each other by themselves. */
export async function foldersOnLan(
  directory: string,
  names: readonly string[],
): Promise<{ readonly network: TestNetwork; readonly devices: readonly FolderDevice[] }> {
  const { network, devices } = await onLan(directory, names)
  return { network, devices: await foldersOf(directory, devices, (device) => device.start()) }
}

async function foldersOf(
  directory: string,
  devices: readonly ProcessDevice[],
  restart: (device: ProcessDevice) => Promise<void>,
): Promise<readonly FolderDevice[]> {
  for (const device of devices) await device.start()
  const [first, ...others] = devices as readonly [ProcessDevice, ...ProcessDevice[]]
  for (const other of others) await pair(first, other)
  const made: FolderDevice[] = []
  for (const device of devices) {
    const folder = path.join(directory, `folder of ${device.name}`)
    await mkdir(folder)
    made.push({ device, folder, restart: () => restart(device) })
  }
  return made
}

export async function linkAll(devices: readonly FolderDevice[]): Promise<void> {
  for (const { device, folder } of devices) await device.must('link', folder)
}

/**
 * Waits until all devices agree; what one of them brings may give another something to do, so until nothing changes.
 *
 * @param options - `isAccepting`: also does what the brake holds
 */
export async function agree(
  devices: readonly FolderDevice[],
  { isAccepting = false } = {},
): Promise<readonly string[]> {
  for (let round = 0; round < 30; round++) {
    for (const { device } of devices) {
      await settle(device, devices)
      if (isAccepting) await device.must('resume', '--accept')
    }
    const trees = await Promise.all(devices.map(({ folder }) => stillTree(folder)))
    const [first, ...others] = trees.map((tree) => tree?.join('\n'))
    if (first !== undefined && others.every((other) => other === first)) return trees[0] as string[]
  }
  const trees = await Promise.all(devices.map(({ folder }) => shownTree(folder)))
  throw new Error(`the folders did not come to the same tree:\n${differences(trees)}`)
}

async function settle(device: ProcessDevice, all: readonly FolderDevice[]): Promise<void> {
  const { status, stderr } = await device.run('status', '--wait', '--timeout', '300s')
  if (status === 0) return
  const shown = await Promise.all([device.run('status'), device.run('folders', '--json'), device.run('plan')])
  const texts = shown.map(({ stdout, stderr: errors }) => stdout + errors)
  texts.push(...(await explanations(device, all)))
  throw new Error(`${device.name} does not settle: ${stderr}\n${texts.join('\n')}`)
}

/** @returns `undefined` where something goes while it is looked at */
async function stillTree(folder: string): Promise<string[] | undefined> {
  return shownTree(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
}

/** A folder's entries, without our own files. A directory's time changes with what is put into it, so only its mode counts. */
export async function shownTree(folder: string): Promise<string[]> {
  const lines = await describeTree(folder)
  return lines
    .filter((line) => !line.startsWith('".dittofs'))
    .map((line) => line.replace(/^("(?:[^"\\]|\\.)*"\/ \d+) \d+$/, '$1'))
}

function differences(trees: readonly (readonly string[])[]): string {
  const all = new Set(trees.flat())
  return [...all]
    .flatMap((line) => {
      const holders = trees.flatMap((tree, at) => (tree.includes(line) ? [at] : []))
      return holders.length === trees.length ? [] : [`${line} only on ${holders.join(', ')}`]
    })
    .slice(0, 40)
    .join('\n')
}

/** What each device knows of the paths whose bytes do not come. */
async function explanations(device: ProcessDevice, all: readonly FolderDevice[]): Promise<string[]> {
  const { stdout } = await device.run('list', '--missing', '--json')
  const missing = (JSON.parse(stdout) as readonly { readonly path: string }[]).slice(0, 5)
  const texts: string[] = []
  for (const { path: name } of missing) {
    for (const { device: one, folder } of all) {
      for (const command of ['why', 'history']) {
        const told = await one.run(command, command === 'why' ? path.join(folder, name) : name)
        texts.push(`${one.name}: ${command} ${name}\n${told.stdout}${told.stderr}`)
      }
    }
  }
  return texts
}
