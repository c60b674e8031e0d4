import path from 'node:path'
import type { PackFile, PackFileSystem } from '@dittofs/chunk-store'
import { type CrashMachine, systemError } from './crash-machine.ts'

/** What a disk writes at once: a power cut leaves each of these old or new. */
const SECTOR_BYTES = 512

/** A change that is in memory and perhaps on the disk. */
type Unsynced = { readonly position: number; readonly bytes: Buffer } | { readonly size: number }

interface SimulatedFile {
  /** As a reader sees it now. */
  seen: Buffer
  /** As it is on the disk for certain. */
  durable: Buffer
  unsynced: Unsynced[]
}

/** Names and files of a simulated disk. */
export interface SimulatedDisk {
  readonly seen: Map<string, SimulatedFile>
  /** Names that are on the disk for certain. */
  durable: Map<string, SimulatedFile>
}

export function emptyDisk(): SimulatedDisk {
  return { seen: new Map(), durable: new Map() }
}

/**
 * A file system in memory that forgets, when its machine crashes, what was not synced: any of it, down to single
 * sectors, as a disk may. A write during which the machine crashes, or that fails, is cut at any byte.
 */
export class CrashFileSystem implements PackFileSystem {
  /** Files removed so far. */
  removed = 0
  readonly #machine: CrashMachine
  readonly #disk: SimulatedDisk

  constructor(machine: CrashMachine, disk: SimulatedDisk = emptyDisk()) {
    this.#machine = machine
    this.#disk = disk
  }

  /** The disk as the next start finds it, after the power was lost now. */
  diskAfterPowerLoss(): SimulatedDisk {
    const { random } = this.#machine
    const names = new Map<string, SimulatedFile>()
    for (const [name, file] of new Map([...this.#disk.durable, ...this.#disk.seen])) {
      const isCertain = this.#disk.durable.get(name) === file && this.#disk.seen.get(name) === file
      if (isCertain || random() < 0.5) names.set(name, survivor(file, random))
    }
    return { seen: names, durable: new Map(names) }
  }

  async makeDirectory(): Promise<void> {
    this.#machine.check()
  }

  async list(directory: string): Promise<string[]> {
    this.#machine.check()
    return [...this.#disk.seen.keys()]
      .filter((name) => path.dirname(name) === directory)
      .map((name) => path.basename(name))
  }

  async create(name: string): Promise<PackFile> {
    const fate = this.#machine.call()
    if (this.#disk.seen.has(name)) throw systemError('EEXIST', `${name} exists`)
    const file: SimulatedFile = { seen: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] }
    if (fate === 'done' || fate === 'crash') this.#disk.seen.set(name, file)
    if (fate !== 'done') throw systemError(fate === 'crash' ? 'EIO' : fate, 'the file could not be made')
    return new CrashFile(this.#machine, file)
  }

  async open(name: string): Promise<PackFile> {
    this.#machine.check()
    const file = this.#disk.seen.get(name)
    if (file === undefined) throw systemError('ENOENT', `there is no ${name}`)
    return new CrashFile(this.#machine, file)
  }

  async remove(name: string): Promise<void> {
    const fate = this.#machine.call()
    if (fate === 'done') this.removed++
    if (fate === 'done' || fate === 'crash') this.#disk.seen.delete(name)
    if (fate !== 'done') throw systemError('EIO', 'the file could not be removed')
  }

  async syncDirectory(directory: string): Promise<void> {
    const fate = this.#machine.call()
    if (fate !== 'done') throw systemError('EIO', 'the directory could not be synced')
    const others = [...this.#disk.durable].filter(([name]) => path.dirname(name) !== directory)
    const synced = [...this.#disk.seen].filter(([name]) => path.dirname(name) === directory)
    this.#disk.durable = new Map([...others, ...synced])
  }
}

class CrashFile implements PackFile {
  readonly #machine: CrashMachine
  readonly #file: SimulatedFile

  constructor(machine: CrashMachine, file: SimulatedFile) {
    this.#machine = machine
    this.#file = file
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#machine.check()
    const bytes = this.#file.seen.subarray(position, position + target.length)
    target.set(bytes)
    return bytes.length
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const fate = this.#machine.call()
    const whole = Buffer.concat(parts)
    const written = fate === 'done' ? whole.length : Math.floor(this.#machine.random() * (whole.length + 1))
    this.#apply({ position, bytes: whole.subarray(0, written) })
    if (fate !== 'done') throw systemError(fate === 'crash' ? 'EIO' : fate, 'the write was cut short')
  }

  async truncate(size: number): Promise<void> {
    const fate = this.#machine.call()
    if (fate === 'done' || fate === 'crash') this.#apply({ size })
    if (fate !== 'done') throw systemError('EIO', 'the file could not be cut')
  }

  async sync(): Promise<void> {
    const fate = this.#machine.call()
    if (fate === 'crash') throw systemError('EIO', 'the machine is off')
    if (fate !== 'done') {
      // As Linux does: the pages count as clean from now on, whether or not they reached the disk.
      const { random } = this.#machine
      this.#file.durable = survivor(this.#file, random).seen
      this.#file.unsynced = []
      throw systemError('EIO', 'the file could not be synced')
    }
    this.#file.durable = Buffer.from(this.#file.seen)
    this.#file.unsynced = []
  }

  async size(): Promise<number> {
    this.#machine.check()
    return this.#file.seen.length
  }

  async close(): Promise<void> {}

  #apply(change: Unsynced): void {
    this.#file.seen = applied(this.#file.seen, change)
    this.#file.unsynced.push(change)
  }
}

function applied(content: Buffer, change: Unsynced): Buffer {
  if ('size' in change) {
    const cut = Buffer.alloc(change.size)
    content.copy(cut)
    return cut
  }
  if (change.bytes.length === 0) return content
  const grown = Buffer.alloc(Math.max(content.length, change.position + change.bytes.length))
  content.copy(grown)
  change.bytes.copy(grown, change.position)
  return grown
}

/** A file after a power cut: what is durable, and of each later change all, nothing or some sectors. */
function survivor(file: SimulatedFile, random: () => number): SimulatedFile {
  let content = file.durable
  for (const change of file.unsynced) {
    const luck = random()
    if (luck < 0.3) continue
    if (luck < 0.6 || 'size' in change) content = applied(content, change)
    else for (const sector of sectorsOf(change)) if (random() < 0.5) content = applied(content, sector)
  }
  return { seen: content, durable: content, unsynced: [] }
}

function sectorsOf(change: { readonly position: number; readonly bytes: Buffer }): Unsynced[] {
  const sectors: Unsynced[] = []
  for (let at = 0; at < change.bytes.length; ) {
    const position = change.position + at
    const length = SECTOR_BYTES - (position % SECTOR_BYTES)
    sectors.push({ position, bytes: change.bytes.subarray(at, at + length) })
    at += length
  }
  return sectors
}
