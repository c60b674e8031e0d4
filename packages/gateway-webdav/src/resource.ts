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
  readonly parent: Pick<VolumeEntry, 'handle'> | undefined
  /** The last name; `''` for the root. */
  readonly name: string
}

export async function findResource(served: ServedVolume, path: RequestPath): Promise<Resource> {
  const { volume } = served
  const name = path.names.at(-1)
  if (name === undefined) {
    const root = await rootOf(volume)
    return { served, path, entry: root, own: root, parent: root, name: '' }
  }
  const place = await nothingIfAbsent(volume.find(path.names))
  if (place === undefined || place.entry?.attributes.kind === 'symlink') return followLinks(served, path, name)
  const { directory, entry } = place
  return { served, path, entry, own: entry, parent: { handle: directory }, name }
}

/** Name by name: a symlink is on the way, or something is not there. */
async function followLinks(served: ServedVolume, path: RequestPath, name: string): Promise<Resource> {
  const { volume } = served
  const way = await follow(volume, [await rootOf(volume)], path.names.slice(0, -1), true)
  const parent = way?.at(-1)
  if (way === undefined || parent?.attributes.kind !== 'directory') {
    return { served, path, entry: undefined, own: undefined, parent: undefined, name }
  }
  const own = (await follow(volume, way, [name], false))?.at(-1)
  const entry = own?.attributes.kind === 'symlink' ? (await follow(volume, way, [name], true))?.at(-1) : own
  return { served, path, entry, own, parent, name }
}

async function rootOf(volume: Volume): Promise<VolumeEntry> {
  return { handle: volume.root, attributes: await volume.attributes(volume.root) }
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
    const next = await nothingIfAbsent(volume.lookup((way.at(-1) as VolumeEntry).handle, name))
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

async function nothingIfAbsent<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking
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
