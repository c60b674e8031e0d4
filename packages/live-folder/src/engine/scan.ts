import { isDittoError, MAX_PATH_BYTES, MAX_PATH_PARTS, nameFault } from '@dittofs/interface'
import type { BaseTree } from '../base/base-tree.ts'
import { stampText } from '../base/stamp-text.ts'
import type { DiskName } from '../folder-file-system.ts'
import { type LocalDirectory, type LocalName, localKey } from '../plan/local-tree.ts'
import { isOwnName } from '../plan/own-names.ts'
import type { FolderRuntime } from './linked-folder.ts'

/** Directories listed at once: each holds some file descriptors and threads of the file system. */
const CONCURRENT_LISTINGS = 8

interface Visit {
  readonly folder: FolderRuntime
  /** As on disk. */
  readonly names: readonly string[]
  /** Whether everything below is looked at as well. */
  readonly isDeep: boolean
}

export interface Scan {
  readonly directories: Map<string, LocalDirectory>
  /** Folders whose root is not there. */
  readonly missingRoots: ReadonlySet<FolderRuntime>
  /** Whether a directory was seen in two places, so was moved meanwhile: what else was seen cannot be trusted. */
  readonly isTorn: boolean
}

/**
 * Lists what may have changed, and all that is needed to tell what became of it: everything below a directory that is new
 * under its name, and the directory in which the base has something that was found elsewhere.
 */
export async function scanFolders(
  base: BaseTree,
  dirty: ReadonlyMap<FolderRuntime, readonly (readonly string[])[] | 'all'>,
  linked: ReadonlyMap<string, FolderRuntime>,
  signal: AbortSignal,
): Promise<Scan> {
  const scanning = new Scanning(base, linked)
  for (const [folder, names] of dirty) {
    if (names === 'all') folder.solveAll('disk')
    if (names === 'all') scanning.add({ folder, names: [], isDeep: true })
    else for (const one of names) scanning.add({ folder, names: one, isDeep: false })
  }
  await scanning.run(signal)
  return scanning
}

class Scanning implements Scan {
  readonly directories = new Map<string, LocalDirectory>()
  readonly missingRoots = new Set<FolderRuntime>()
  isTorn = false
  readonly #base: BaseTree
  readonly #linked: ReadonlyMap<string, FolderRuntime>
  readonly #visits: Visit[] = []
  readonly #visited = new Map<string, boolean>()
  readonly #inodes = new Map<string, string>()

  constructor(base: BaseTree, linked: ReadonlyMap<string, FolderRuntime>) {
    this.#base = base
    this.#linked = linked
  }

  add(visit: Visit): void {
    const key = localKey(visit.folder.id, visit.names)
    const isDeep = this.#visited.get(key)
    if (isDeep === true || (isDeep === false && !visit.isDeep)) return
    this.#visited.set(key, visit.isDeep)
    this.#visits.push(visit)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (this.#visits.length > 0) {
      signal.throwIfAborted()
      const some = this.#visits.splice(-CONCURRENT_LISTINGS)
      await Promise.all(some.map((visit) => this.#visit(visit, signal)))
    }
  }

  async #visit(visit: Visit, signal: AbortSignal): Promise<void> {
    const { folder, names } = visit
    const path = names.join('/')
    folder.solveAll('disk', path)
    try {
      const listing = await folder.fileSystem.list(names, { signal })
      if (listing === undefined) {
        if (names.length === 0) this.missingRoots.add(folder)
        else this.add({ folder, names: names.slice(0, -1), isDeep: false })
        return
      }
      for (const { shown, reason } of listing.unusable) {
        folder.report('disk', path === '' ? shown : `${path}/${shown}`, 'name', reason)
      }
      this.#take(visit, listing.names, listing.unusable.length > 0)
    } catch (error) {
      signal.throwIfAborted()
      if (!isDittoError(error)) throw error
      folder.report('disk', path, error.code === 'DITTO_PERMISSION' ? 'permission' : 'io', error.message)
    }
  }

  #take(visit: Visit, listed: readonly DiskName[], hasMore: boolean): void {
    const { folder } = visit
    const names = visit.names.map((name) => name.normalize('NFC'))
    const entries = new Map<string, LocalName>()
    const base = this.#base.at(folder.id, names)
    const bytes = Buffer.byteLength(names.join('/'))
    let isMore = hasMore
    for (const { name: rawName, stamp, isIgnored } of listed) {
      const name = rawName.normalize('NFC')
      if (isOwnName(name)) continue
      // As in git, a pattern says what is not taken up; what is synced stays so until it is removed.
      if (isIgnored === true && base?.children?.get(name) === undefined) {
        isMore = true
        continue
      }
      const fault = this.#faultOf(name, rawName, names, bytes, entries)
      if (fault !== undefined) {
        folder.report('disk', [...names, name].join('/'), 'name', `This cannot be synced: ${fault}.`)
        isMore = true
        continue
      }
      if (stamp.kind === 'other') {
        const reason = 'Only files, directories and symlinks are synced; this is something else.'
        folder.report('disk', [...names, name].join('/'), 'kind', reason)
        isMore = true
        continue
      }
      entries.set(name, { name, rawName, stamp, stampText: stampText(stamp) })
    }
    const key = localKey(folder.id, names)
    this.directories.set(key, { folder: folder.id, names, rawNames: visit.names, entries, hasMore: isMore })
    for (const found of entries.values()) this.#follow(visit, found, base?.children?.get(found.name), key)
  }

  #faultOf(
    name: string,
    rawName: string,
    above: readonly string[],
    bytes: number,
    entries: ReadonlyMap<string, LocalName>,
  ): string | undefined {
    const fault = nameFault(name)
    if (fault !== undefined) return fault
    if (above.length + 1 > MAX_PATH_PARTS || bytes + 1 + Buffer.byteLength(name) > MAX_PATH_BYTES) {
      return 'its path is too long'
    }
    const other = entries.get(name)
    if (other === undefined) return undefined
    return `"${other.rawName}" and "${rawName}" are one name in two spellings`
  }

  /** Looks further where this name is not what the base has under it. */
  #follow(visit: Visit, found: LocalName, expected: ReturnType<BaseTree['at']>, key: string): void {
    const { stamp } = found
    const isDirectory = stamp.kind === 'directory'
    if (isDirectory) {
      const inode = `${stamp.dev} ${stamp.ino}`
      const other = this.#inodes.get(inode)
      const here = `${key}/${found.name}`
      if (other !== undefined && other !== here) this.isTorn = true
      this.#inodes.set(inode, here)
    }
    // The usual case, and all there is to do in it.
    if (expected !== undefined && !isDirectory && expected.stampText === found.stampText) return
    const same = this.#base.byInode(stamp)
    const isKnown = expected !== undefined && same.includes(expected)
    for (const entry of same) {
      if (entry === expected || entry.parent === undefined) continue
      const folder = this.#linked.get(entry.folder)
      if (folder?.isActive === true) this.add({ folder, names: entry.parent.rawNames, isDeep: false })
    }
    if (isDirectory && (visit.isDeep || !isKnown)) {
      this.add({ folder: visit.folder, names: [...visit.names, found.rawName], isDeep: true })
    }
  }
}
