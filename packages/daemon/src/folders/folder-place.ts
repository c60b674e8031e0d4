import { mkdir, realpath, stat } from 'node:fs/promises'
import nodePath from 'node:path'
import { DittoError } from '@dittofs/interface'
import { fromSystemError, systemErrorName } from '@dittofs/live-folder'
import type { LinkedFolderRow } from './linked-folders.ts'

/** Whether a path is another one or lies below it. Both absolute and without symlinks. */
export function isWithin(path: string, directory: string): boolean {
  const relative = nodePath.relative(directory, path)
  return (
    relative === '' ||
    (!relative.startsWith(`..${nodePath.sep}`) && relative !== '..' && !nodePath.isAbsolute(relative))
  )
}

/**
 * The real path of a directory that is to become a live folder; it is made where it is missing.
 *
 * @throws DittoError DITTO_USAGE (it holds, or lies in, the device's home), DITTO_EXISTS (another live folder is there,
 *   above or below; something that is no directory is there), DITTO_PERMISSION
 */
export async function prepareFolder(
  directory: string,
  home: string,
  linked: readonly LinkedFolderRow[],
): Promise<string> {
  // Looked at before it is made: what is refused leaves nothing behind.
  checkPlace(directory, await realPlace(directory), home, linked)
  const place = await makeDirectory(directory)
  checkPlace(directory, place, home, linked)
  return place
}

function checkPlace(directory: string, place: string, home: string, linked: readonly LinkedFolderRow[]): void {
  if (isWithin(place, home) || isWithin(home, place)) {
    throw new DittoError(
      'DITTO_USAGE',
      `${JSON.stringify(directory)} holds, or lies in, the home of this device (${home}), which cannot be synced; choose another directory.`,
    )
  }
  for (const other of linked) {
    if (!isWithin(place, other.directory) && !isWithin(other.directory, place)) continue
    const how =
      place === other.directory ? 'is a live folder already' : `lies in or around the live folder ${other.directory}`
    throw new DittoError('DITTO_EXISTS', `${JSON.stringify(directory)} ${how}; "dittofs folders" shows them.`)
  }
}

/** The live folder that a path is, or lies in. The path need not exist any more. */
export async function folderAt(path: string, linked: readonly LinkedFolderRow[]): Promise<LinkedFolderRow | undefined> {
  const real = await realPlace(path)
  return linked.find(({ directory }) => isWithin(real, directory))
}

/** A path with the symlinks above it resolved, as far as it exists. */
export async function realPlace(path: string): Promise<string> {
  try {
    // Not its last part: a symlink in a folder is what it is.
    return nodePath.join(await realpath(nodePath.dirname(path)), nodePath.basename(path))
  } catch {
    const parent = nodePath.dirname(path)
    return parent === path ? path : nodePath.join(await realPlace(parent), nodePath.basename(path))
  }
}

async function makeDirectory(directory: string): Promise<string> {
  try {
    await mkdir(directory, { recursive: true })
    const place = await realpath(directory)
    if ((await stat(place)).isDirectory()) return place
  } catch (error) {
    if (!['EEXIST', 'ENOTDIR'].includes(systemErrorName(error) ?? '')) {
      throw fromSystemError(error, `make ${JSON.stringify(directory)} a live folder`)
    }
  }
  throw new DittoError(
    'DITTO_EXISTS',
    `${JSON.stringify(directory)} is no directory; name one, or a path where none is yet.`,
  )
}

/** A place in a live folder as the document writes paths: with `/`, from the folder on. @param directory - a real path */
export async function pathBelow(directory: string, place: string): Promise<string> {
  return nodePath
    .relative(directory, await realPlace(place))
    .split(nodePath.sep)
    .join('/')
}
