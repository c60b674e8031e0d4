import type { AbortOptions } from '@dittofs/interface'
import { type DiskStamp, isSameStamp } from '../disk-stamp.ts'
import type { DiskListing, FolderFileSystem } from '../folder-file-system.ts'
import { IGNORE_FILE_NAME, IgnoreRules } from './ignore-rules.ts'

/** A thousand lines of 256 bytes are less; of a longer file nothing is read. */
const MAX_FILE_BYTES = 1024 * 1024
/** Directories with ignore files of their own; more than that are not looked for. */
const MAX_FILES = 1000

interface Known {
  readonly directory: readonly string[]
  readonly stamp: DiskStamp
  readonly text: string
}

/** The ignore files of a live folder, read as they are met: a directory's before what is in it. */
export class IgnoreFiles {
  readonly #fileSystem: FolderFileSystem
  readonly #known = new Map<string, Known | undefined>()
  #rules = IgnoreRules.of([])

  constructor(fileSystem: FolderFileSystem) {
    this.#fileSystem = fileSystem
  }

  get rules(): IgnoreRules {
    return this.#rules
  }

  /** Reads the ignore files of the directories above `names`, those not known yet. */
  async load(names: readonly string[], options: AbortOptions = {}): Promise<void> {
    for (let depth = 0; depth < names.length; depth++) {
      const directory = names.slice(0, depth)
      if (this.#known.has(directory.join('/'))) continue
      const stamp = await this.#fileSystem.stat([...directory, IGNORE_FILE_NAME])
      await this.#take(directory, stamp?.kind === 'file' ? stamp : undefined, options)
    }
  }

  /** Takes the ignore file that a directory was found to have, or to have no more. @returns whether a known one changed */
  async note(directory: readonly string[], listing: DiskListing, options: AbortOptions = {}): Promise<boolean> {
    const found = listing.names.find(({ name, stamp }) => name === IGNORE_FILE_NAME && stamp.kind === 'file')
    const key = directory.join('/')
    const known = this.#known.get(key)
    const isSame =
      known === undefined || found === undefined
        ? known === undefined && found === undefined
        : isSameStamp(known.stamp, found.stamp)
    if (isSame) {
      if (!this.#known.has(key)) this.#known.set(key, undefined)
      return false
    }
    const wasKnown = this.#known.has(key)
    await this.#take(directory, found?.stamp, options)
    return wasKnown
  }

  async #take(directory: readonly string[], stamp: DiskStamp | undefined, options: AbortOptions): Promise<void> {
    const text = stamp === undefined ? undefined : await this.#read(directory, stamp, options)
    const isNew = this.#known.size < MAX_FILES || this.#known.has(directory.join('/'))
    if (!isNew) return
    this.#known.set(
      directory.join('/'),
      stamp === undefined || text === undefined ? undefined : { directory, stamp, text },
    )
    this.#rules = IgnoreRules.of([...this.#known.values()].filter((known) => known !== undefined))
  }

  async #read(directory: readonly string[], stamp: DiskStamp, options: AbortOptions): Promise<string | undefined> {
    if (stamp.size > MAX_FILE_BYTES) return undefined
    const parts: Uint8Array[] = []
    try {
      for await (const part of this.#fileSystem.read([...directory, IGNORE_FILE_NAME], stamp, options)) parts.push(part)
    } catch (error) {
      options.signal?.throwIfAborted()
      // Changed while it was read, or not to be read by us: it is met again.
      if (error instanceof Error) return undefined
      throw error
    }
    return Buffer.concat(parts).toString('utf8')
  }
}
