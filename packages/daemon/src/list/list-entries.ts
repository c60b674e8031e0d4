import {
  type AbortOptions,
  type ChunkId,
  type ChunkStore,
  DittoError,
  type ListEntry,
  type ListOptions,
  type PinMark,
  type ReadManifest,
  type TreeEntry,
} from '@dittofs/interface'
import { chunkCountOf, type HeldChunks, type Missing } from '../content/held-chunks.ts'
import type { KeptContent } from '../pins/kept-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

export interface ListEntriesInit {
  store: ChunkStore
  readManifest: ReadManifest
  held: HeldChunks
  kept: Pick<KeptContent, 'reader'>
}

const NOTHING_MISSING: Missing = { chunks: 0, bytes: 0 }
/** What a symlink's own mode is on systems that have none for it. */
const SYMLINK_MODE = 0o777

/**
 * The entry at a path and all below it, as people and programs see them; the root itself is no entry.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_PATH_INVALID
 */
export async function* listEntries(
  init: ListEntriesInit,
  space: OpenSpace,
  path: string,
  options: ListOptions = {},
): AsyncGenerator<readonly ListEntry[]> {
  const signal: AbortOptions = options.signal === undefined ? {} : { signal: options.signal }
  const root = space.metadata.lookup(path)
  if (root === undefined) throw notFound(path)
  const names = new Map(space.membership.members().map((member) => [member.key, member.name]))
  const marks = init.kept.reader(space)
  for await (const batch of space.metadata.walk(root.path, { ...signal, isDepthFirst: true })) {
    const missing = await missingOf(init, space, batch, signal)
    const shown = batch.filter((entry) => entry.path !== '')
    const isMissing = (entry: TreeEntry) => (missing.get(entry)?.chunks ?? 0) > 0 && marks.of(entry) !== 'evicted'
    const wanted = options.missing === true ? shown.filter(isMissing) : shown
    const entries: ListEntry[] = []
    for (const entry of wanted) {
      const author = options.isVerbose === true && entry.author !== undefined ? names.get(entry.author) : undefined
      entries.push({
        ...describe(entry, missing.get(entry) ?? NOTHING_MISSING, marks.of(entry)),
        ...(options.isVerbose === true && entry.file !== undefined
          ? { chunkIds: await chunkIdsOf(init, space, entry, signal) }
          : {}),
        ...(author === undefined ? {} : { author }),
      })
    }
    if (entries.length > 0) yield entries
  }
}

export function notFound(path: string): DittoError {
  return new DittoError(
    'DITTO_NOT_FOUND',
    `There is nothing at ${JSON.stringify(path)}; "dittofs list" shows what there is.`,
  )
}

async function missingOf(
  init: ListEntriesInit,
  space: OpenSpace,
  batch: readonly TreeEntry[],
  options: AbortOptions,
): Promise<Map<TreeEntry, Missing>> {
  const files = batch.filter((entry) => entry.file !== undefined)
  const missing = await init.held.missingOf(
    space.id,
    files.flatMap((entry) => (entry.file === undefined ? [] : [entry.file])),
    options,
  )
  return new Map(files.map((entry, index) => [entry, missing[index] ?? NOTHING_MISSING]))
}

function describe(entry: TreeEntry, missing: Missing, pin: PinMark | undefined): ListEntry {
  const { file, symlink, directory } = entry
  const mtimeNs = file?.mtimeNs ?? symlink?.mtimeNs ?? directory?.mtimeNs ?? 0n
  return {
    path: entry.path,
    kind: entry.kind,
    size: file?.size ?? (symlink === undefined ? 0 : Buffer.byteLength(symlink.target)),
    mtime: mtimeNs.toString(),
    mode: file?.mode ?? directory?.mode ?? (symlink === undefined ? 0 : SYMLINK_MODE),
    missingChunks: missing.chunks,
    chunks: file === undefined ? 0 : chunkCountOf(file),
    ...(symlink === undefined ? {} : { target: symlink.target }),
    ...(entry.conflictOf === undefined ? {} : { conflictOf: entry.conflictOf }),
    ...(pin === undefined ? {} : { pin }),
  }
}

async function chunkIdsOf(
  init: ListEntriesInit,
  space: OpenSpace,
  entry: TreeEntry,
  options: AbortOptions,
): Promise<ChunkId[]> {
  const ids: ChunkId[] = []
  if (entry.file === undefined) return ids
  const steps = init.readManifest(init.store, space.id, entry.file.content, entry.file.size, options)
  for await (const step of steps) {
    if (step.kind === 'chunks') for (const { id } of step.run.chunks) ids.push(id)
  }
  return ids
}
