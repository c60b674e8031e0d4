import { lstat } from 'node:fs/promises'
import { type AbortOptions, isDittoError, parsePath } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import { nodeKindOf, type SkippedSource, type SourceEntry, specialKindOf } from './source-entry.ts'
import { readSourceNames } from './source-names.ts'

export interface WalkOptions extends AbortOptions {
  /** A directory that is left out wherever it is met: the device's own home. */
  excluded: string
}

export interface WalkBatch {
  readonly entries: readonly SourceEntry[]
  readonly skipped: readonly SkippedSource[]
}

/** `lstat` calls at once: enough to keep the thread pool busy, few enough to bound what is in memory. */
const BATCH_ENTRIES = 256

/**
 * Walks a source, itself first, parents before what is in them, never following a symlink. What cannot be added is told
 * and left out with all below.
 *
 * @throws the signal's reason
 */
export async function* walkSource(root: SourceEntry, options: WalkOptions): AsyncGenerator<WalkBatch> {
  const isEmpty = root.kind !== 'directory'
  const found = isEmpty
    ? { names: [], skipped: [] }
    : await readSourceNames(root.source).catch((error: unknown) => error)
  options.signal?.throwIfAborted()
  if (found instanceof Error) {
    yield { entries: [], skipped: [skippedBy(found, root.source, 'list the directory')] }
    return
  }
  const { names, skipped } = found as Awaited<ReturnType<typeof readSourceNames>>
  yield { entries: [root], skipped }
  for (let at = 0; at < names.length; at += BATCH_ENTRIES) {
    const looked = await Promise.all(
      names
        .slice(at, at + BATCH_ENTRIES)
        .map(({ onDisk, inSpace }) =>
          look(`${root.source}/${onDisk}`.replace('//', '/'), root.path === '' ? inSpace : `${root.path}/${inSpace}`),
        ),
    )
    const entries = looked.filter((outcome): outcome is SourceEntry => 'kind' in outcome)
    const leaves = entries.filter((entry) => entry.kind !== 'directory')
    yield { entries: leaves, skipped: looked.filter((outcome): outcome is SkippedSource => 'code' in outcome) }
    for (const directory of entries) {
      if (directory.kind !== 'directory') continue
      if (directory.source === options.excluded) {
        yield { entries: [], skipped: [ownHome(directory.source)] }
      } else {
        yield* walkSource(directory, options)
      }
    }
  }
}

async function look(source: string, path: string): Promise<SourceEntry | SkippedSource> {
  try {
    const stat = await lstat(source, { bigint: true })
    const kind = nodeKindOf(stat)
    if (kind === undefined) {
      return { path: source, code: 'DITTO_UNSUPPORTED', reason: `it is a ${specialKindOf(stat)}` }
    }
    parsePath(path)
    return { source, path, kind, stat }
  } catch (error) {
    return skippedBy(error, source, 'read')
  }
}

/** Tells a source that failed in a way that only concerns itself; any other failure is thrown. */
export function skippedBy(error: unknown, source: string, action: string): SkippedSource {
  const failure = fromSystemError(error, `${action} ${JSON.stringify(source)}`)
  if (isDittoError(failure) && HARMLESS.has(failure.code)) {
    return { path: source, code: failure.code, reason: failure.message }
  }
  throw failure
}

const HARMLESS: ReadonlySet<string> = new Set([
  'DITTO_NOT_FOUND',
  'DITTO_PERMISSION',
  'DITTO_UNSUPPORTED',
  'DITTO_FILE_CHANGED',
  'DITTO_PATH_INVALID',
])

function ownHome(source: string): SkippedSource {
  return { path: source, code: 'DITTO_USAGE', reason: 'it is the home of this device' }
}
