import { lstat, realpath } from 'node:fs/promises'
import path from 'node:path'
import { DittoError, parsePath } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import { nodeKindOf, type SourceEntry, specialKindOf } from './source-entry.ts'

export interface ResolveSourceOptions {
  /** The device's own home, as a real path. */
  home: string
  /** Where the source goes in the space; its base name when absent. */
  as?: string
}

/**
 * Looks at a source a person named: `.`, `..` and trailing slashes are resolved, and the directories above it brought to
 * their real paths, so that one file has one name whatever way it was named. A last symlink stays a symlink.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_PERMISSION, DITTO_UNSUPPORTED, DITTO_USAGE (the home of the device, or a
 *   source without a name), DITTO_PATH_INVALID
 */
export async function resolveSource(source: string, options: ResolveSourceOptions): Promise<SourceEntry> {
  const place = await canonicalPath(source)
  if (place === options.home || place.startsWith(`${options.home}${path.sep}`)) {
    throw new DittoError(
      'DITTO_USAGE',
      `${JSON.stringify(source)} belongs to the home of this device; it cannot be added.`,
    )
  }
  const stat = await lstat(place, { bigint: true }).catch((error: unknown) => {
    throw fromSystemError(error, `add ${JSON.stringify(source)}`)
  })
  const kind = nodeKindOf(stat)
  if (kind === undefined) {
    throw new DittoError('DITTO_UNSUPPORTED', `Cannot add ${JSON.stringify(source)}: it is a ${specialKindOf(stat)}.`)
  }
  const names = parsePath(options.as ?? path.basename(place))
  if (names.length === 0 && kind !== 'directory') {
    throw new DittoError('DITTO_USAGE', `Cannot add ${JSON.stringify(source)} as "/": only a directory can go there.`)
  }
  if (names.length === 0 && options.as === undefined) {
    throw new DittoError('DITTO_USAGE', `${JSON.stringify(source)} has no name; say with --as where it goes.`)
  }
  return { source: place, path: names.join('/'), kind, stat }
}

/** The one absolute path that stands for a source in the origins table; the last part may be a symlink, or missing. */
export async function canonicalPath(source: string): Promise<string> {
  const absolute = path.resolve(source)
  const parent = path.dirname(absolute)
  if (parent === absolute) return absolute
  // A parent that does not exist is reported by whoever looks at the source itself.
  const real = await realpath(parent).catch(() => parent)
  return path.join(real, path.basename(absolute))
}
