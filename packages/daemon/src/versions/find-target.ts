import nodePath from 'node:path'
import { isDittoError, type PathOptions } from '@dittofs/interface'
import { canonicalPath } from '../add/resolve-source.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { Origins } from '../state/origins.ts'

/** A path in a space; something need not stand there any more. */
export interface Target {
  readonly space: OpenSpace
  readonly path: string
}

export interface FindTargetInit {
  selectSpace: (name: string | undefined) => OpenSpace
  /** The path in its space of a path on disk that lies in a live folder. */
  spacePath: (path: string) => Promise<Target | undefined>
  origins: Origins
}

/**
 * What a person means by a path: a place in a live folder, as seen from the directory they are in; else a path of the
 * space; else the place on this device that something was added from.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (of the space)
 */
export async function findTarget(init: FindTargetInit, path: string, options: PathOptions): Promise<Target> {
  const { directory } = options
  const place = directory === undefined ? undefined : nodePath.resolve(directory, path)
  const inFolder = place === undefined || options.space !== undefined ? undefined : await init.spacePath(place)
  if (inFolder !== undefined) return inFolder
  const space = init.selectSpace(options.space)
  if (isShown(space, path) || place === undefined) return { space, path: plain(path) }
  const origin = await init.origins.get(space.number, await canonicalPath(place))
  return { space, path: origin === undefined ? plain(path) : (space.metadata.find(origin.node)?.path ?? origin.path) }
}

/** `../notes.txt` is no path of a space, but may well be one on this device. */
function isShown(space: OpenSpace, path: string): boolean {
  try {
    return space.metadata.lookup(path) !== undefined
  } catch (error) {
    if (isDittoError(error, 'DITTO_PATH_INVALID')) return false
    throw error
  }
}

function plain(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '')
    .join('/')
}
