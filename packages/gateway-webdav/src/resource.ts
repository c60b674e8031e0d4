import { isDittoError, type Volume, type VolumeEntry } from '@dittofs/interface'
import { MAX_LINKS_FOLLOWED } from './limits.ts'
import type { RequestPath } from './request-path.ts'
import type { ServedVolume } from './served-volume.ts'

/** What a URL below an export names. WebDAV knows no symlinks: they are followed, within the volume. */
export interface Resource {
  readonly served: ServedVolume
  readonly path: RequestPath
  /** The file or directory, behind any symlinks; `undefined`: nothing is there. */
  readonly entry: VolumeEntry | undefined
  /** What the name itself holds, perhaps a symlink: what DELETE and MOVE act on. The root for the root. */
  readonly own: VolumeEntry | undefined
  /** The directory that the name stands in; `undefined`: there is none. The root's is the root. */
  readonly parent: VolumeEntry | undefined
  /** The last name; `''` for the root. */
  readonly name: string
}

export async function findResource(served: ServedVolume, path: RequestPath): Promise<Resource> {
  const { volume } = served
  const root: VolumeEntry = { handle: volume.root, attributes: await volume.attributes(volume.root) }
  const name = path.names.at(-1)
  if (name === undefined) return { served, path, entry: root, own: root, parent: root, name: '' }
  const way = await follow(volume, [root], path.names.slice(0, -1), true)
  const parent = way?.at(-1)
  if (way === undefined || parent?.attributes.kind !== 'directory') {
    return { served, path, entry: undefined, own: undefined, parent: undefined, name }
  }
  const own = (await follow(volume, way, [name], false))?.at(-1)
  const entry = own?.attributes.kind === 'symlink' ? (await follow(volume, way, [name], true))?.at(-1) : own
  return { served, path, entry, own, parent, name }
}

/**
 * Goes from the last entry of `start` along `names`.
 *
 * @returns the directories on the way and what was reached last; `undefined`: a name is not there, a file stands where a
 *   directory is wanted, or a link leads out of the volume or in circles
 */
async function follow(
  volume: Volume,
  start: readonly VolumeEntry[],
  names: readonly string[],
  isLastFollowed: boolean,
): Promise<VolumeEntry[] | undefined> {
  const way = [...start]
  const pending = [...names].reverse()
  let linksLeft = MAX_LINKS_FOLLOWED
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (way.length === 1) return undefined
      way.pop()
      continue
    }
    const next = await lookupOr(volume, way.at(-1) as VolumeEntry, name)
    if (next === undefined) return undefined
    if (next.attributes.kind !== 'symlink' || (pending.length === 0 && !isLastFollowed)) {
      way.push(next)
      continue
    }
    const target = await volume.readLink(next.handle)
    linksLeft -= 1
    // A target is text from another device: an absolute one speaks of that device's disk.
    if (linksLeft < 0 || target.startsWith('/')) return undefined
    pending.push(...target.split('/').reverse())
  }
  return way
}

async function lookupOr(volume: Volume, directory: VolumeEntry, name: string): Promise<VolumeEntry | undefined> {
  try {
    return await volume.lookup(directory.handle, name)
  } catch (error) {
    const isAbsent =
      isDittoError(error, 'DITTO_NOT_FOUND') ||
      isDittoError(error, 'DITTO_NOT_DIRECTORY') ||
      isDittoError(error, 'DITTO_HANDLE_STALE') ||
      isDittoError(error, 'DITTO_PATH_INVALID')
    if (isAbsent) return undefined
    throw error
  }
}
