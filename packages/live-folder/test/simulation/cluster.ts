import type { TreeEntry } from '@dittofs/interface'
import { describeContent } from './memory-content.ts'
import type { MemoryDisk } from './memory-disk.ts'
import type { FolderSetup, SimulatedDevice } from './simulated-device.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Turns until devices that have nothing to do must have noticed. */
const MAX_TURNS = 4000

/** Lets time pass until no device has anything left to do. @returns whether that came */
export async function settle(devices: readonly SimulatedDevice[], clock: VirtualClock): Promise<boolean> {
  const open = new Set<SimulatedDevice>(devices)
  const abort = new AbortController()
  const waiting = devices.map((device) =>
    device.folders.whenSettled({ signal: abort.signal }).then(
      () => open.delete(device),
      () => undefined,
    ),
  )
  for (let turn = 0; turn < MAX_TURNS && open.size > 0; turn += 1) await clock.pass(turn < 10 ? 1 : 5)
  abort.abort()
  await Promise.all(waiting)
  return open.size === 0
}

/** Both ways: metadata, then the content that is missing. */
export async function exchange(a: SimulatedDevice, b: SimulatedDevice): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const message of await from.store.receive(to.store.hello(), to.key, true)) {
      await to.store.receive(message, from.key, true)
    }
  }
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    await fetchMissing(from, to)
  }
}

export async function fetchMissing(from: SimulatedDevice, to: SimulatedDevice): Promise<void> {
  for await (const batch of to.store.walk('')) {
    for (const { file } of batch) if (file !== undefined) to.content.fetch(file.content, from.content)
  }
}

/** Until nothing is left to do anywhere. @returns what did not come to an end */
export async function settleAll(devices: readonly SimulatedDevice[], clock: VirtualClock): Promise<string[]> {
  for (let round = 0; round < 15; round += 1) {
    const before = digests(devices)
    for (const a of devices) for (const b of devices) if (a !== b) await exchange(a, b)
    if (!(await settle(devices, clock))) return ['SETTLE: a device always has something to do']
    for (const a of devices) for (const b of devices) if (a !== b) await exchange(a, b)
    if (!(await settle(devices, clock))) return ['SETTLE: a device always has something to do']
    for (const { content } of devices) content.lookIntoPlaces()
    if (digests(devices) === before && new Set(before.split(' ')).size === 1) return []
  }
  return ['SETTLE: the devices do not come to an end']
}

function digests(devices: readonly SimulatedDevice[]): string {
  return devices.map(({ store }) => Buffer.from(store.digest()).toString('hex')).join(' ')
}

/** Each path of a disk with what stands there. */
export function describeDisk(disk: MemoryDisk): Map<string, string> {
  const lines = new Map<string, string>()
  for (const { names, inode } of disk.files()) {
    if (names[0]?.startsWith('.dittofs-folder') === true) continue
    const path = names.map((name) => name.normalize('NFC')).join('/')
    const mode = inode.mode.toString(8)
    const texts = { directory: `directory ${mode}`, file: `file ${mode} ${inode.text}`, symlink: `link ${inode.text}` }
    lines.set(path, inode.kind === 'other' ? 'other' : texts[inode.kind])
  }
  return lines
}

/** The same of what the document shows in a folder's directory. */
export async function describeDocument(device: SimulatedDevice, { id }: FolderSetup): Promise<Map<string, string>> {
  const lines = new Map<string, string>()
  const path = device.pathOf(id)
  if (path === undefined) return lines
  for await (const batch of device.store.walk(path)) {
    for (const entry of batch) {
      const inside = path === '' ? entry.path : entry.path.slice(path.length + 1)
      if (entry.path !== path) lines.set(inside, describeEntry(device, entry))
    }
  }
  return lines
}

function describeEntry(device: SimulatedDevice, { kind, file, symlink, directory }: TreeEntry): string {
  if (kind === 'directory') return `directory ${(directory?.mode ?? 0o755).toString(8)}`
  if (symlink !== undefined) return `link ${symlink.target}`
  const chunk = file?.content.kind === 'inline' ? (file.content.chunks[0]?.id ?? '') : ''
  return `file ${file?.mode.toString(8)} ${device.content.textOf(chunk) ?? `not held (${describeContent(chunk)})`}`
}

/** Where disk and document differ; empty when a folder is in step. */
export async function differences(device: SimulatedDevice): Promise<string[]> {
  const found: string[] = []
  for (const setup of device.setups) {
    const [disk, document] = [describeDisk(device.disk(setup.id)), await describeDocument(device, setup)]
    for (const path of new Set([...disk.keys(), ...document.keys()])) {
      if (disk.get(path) === document.get(path)) continue
      found.push(`${device.name} ${setup.id}/${path}: disk ${disk.get(path)}, document ${document.get(path)}`)
    }
  }
  return found
}
