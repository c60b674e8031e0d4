import nodePath from 'node:path'
import { isDittoError, type TreeEntry } from '@dittofs/interface'
import { canonicalPath } from '../add/resolve-source.ts'
import { notFound } from '../list/list-entries.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { Origins } from '../state/origins.ts'

/**
 * What a person means by a path: first a path of the space, then the place on this device that something was added
 * from, absolute or relative to `directory`.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_PATH_INVALID
 */
export async function resolveEntry(
  space: OpenSpace,
  path: string,
  origins: Origins,
  directory: string,
): Promise<TreeEntry> {
  const shown = lookup(space, path)
  if (shown.entry !== undefined) return shown.entry
  const origin = await origins.get(space.number, await canonicalPath(nodePath.resolve(directory, path)))
  if (origin === undefined) throw shown.fault ?? notFound(path)
  const atPath = space.metadata.lookup(origin.path)
  if (atPath?.node === origin.node) return atPath
  // It was moved since: its node is found by a walk, once, for the person who asked.
  for await (const batch of space.metadata.walk('')) {
    const moved = batch.find((entry) => entry.node === origin.node)
    if (moved !== undefined) return moved
  }
  throw notFound(path)
}

/** `../notes.txt` is no path of a space, but may well be one on this device. */
function lookup(space: OpenSpace, path: string): { entry?: TreeEntry; fault?: unknown } {
  try {
    const entry = space.metadata.lookup(path)
    return entry === undefined ? {} : { entry }
  } catch (fault) {
    if (isDittoError(fault, 'DITTO_PATH_INVALID')) return { fault }
    throw fault
  }
}
