import { type AbortOptions, type Conflict, DittoError, type SpaceHistory, type TreeEntry } from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'
import { nameOfDevice } from './device-names.ts'

/** Several versions of a file: the one that has the name, and its conflict copies. */
export interface OpenConflict {
  readonly main: TreeEntry
  readonly copies: readonly TreeEntry[]
}

/** All conflicts of a space, by path. */
export async function openConflicts(space: OpenSpace, options: AbortOptions = {}): Promise<readonly OpenConflict[]> {
  if (space.metadata.counts().conflicts === 0) return []
  const copies = new Map<string, TreeEntry[]>()
  for await (const batch of space.metadata.walk('', options)) {
    for (const entry of batch) {
      if (entry.conflictOf === undefined) continue
      const known = copies.get(entry.conflictOf)
      if (known === undefined) copies.set(entry.conflictOf, [entry])
      else known.push(entry)
    }
  }
  return [...copies].flatMap(([path, others]) => {
    const main = space.metadata.lookup(path)
    return main === undefined ? [] : [{ main, copies: others }]
  })
}

/** The conflict that a path, or the path of one of its copies, is in. @throws DittoError DITTO_NOT_FOUND */
export async function conflictAt(space: OpenSpace, path: string, options: AbortOptions = {}): Promise<OpenConflict> {
  const all = await openConflicts(space, options)
  const found = all.find(({ main, copies }) => [main, ...copies].some((entry) => entry.path === path))
  if (found !== undefined) return found
  throw new DittoError(
    'DITTO_NOT_FOUND',
    `${JSON.stringify(path)} is in no conflict; "dittofs conflicts" lists those there are.`,
  )
}

export async function describeConflict(
  space: OpenSpace,
  history: SpaceHistory,
  { main, copies }: OpenConflict,
  isOwn: (entry: TreeEntry) => boolean,
): Promise<Conflict> {
  let hasBase = copies.length > 0
  for (const copy of copies) hasBase &&= (await baseOf(history, main, copy)) !== undefined
  return {
    path: main.path,
    versions: [main, ...copies].flatMap((entry) => {
      const { version, path, file, symlink } = entry
      if (version === undefined) return []
      const size = file?.size ?? Buffer.byteLength(symlink?.target ?? '')
      const mtime = String(file?.mtimeNs ?? symlink?.mtimeNs ?? 0n)
      return [{ path, version, device: nameOfDevice(space, entry.author), isOwn: isOwn(entry), mtime, size }]
    }),
    hasBase,
  }
}

/** The version that two versions of one file come from; `undefined` for two files that were made apart. */
export async function baseOf(history: SpaceHistory, main: TreeEntry, copy: TreeEntry) {
  if (main.node !== copy.node || main.version === undefined || copy.version === undefined) return undefined
  return history.baseOf(main.node, main.version, copy.version)
}
