import {
  type AbortOptions,
  type Action,
  type ConflictChoice,
  type DeviceKey,
  DittoError,
  type NodeAction,
  type SpaceHistory,
  type TreeEntry,
} from '@dittofs/interface'
import { MAX_MERGE_BYTES, mergeText } from '@dittofs/metadata'
import type { OpenSpace } from '../spaces/open-space.ts'
import { baseOf, type OpenConflict } from './list-conflicts.ts'
import { type ContentAccess, readWhole } from './read-whole.ts'

/**
 * The actions that end a conflict as a person chose.
 *
 * @throws DittoError DITTO_NOT_FOUND where there is no such version
 */
export function chooseVersion(
  space: OpenSpace,
  { main, copies }: OpenConflict,
  choice: ConflictChoice,
  self: DeviceKey,
): readonly Action[] {
  if (choice === 'both') return copies.map((copy) => placeApart(space, copy))
  const isOurs = choice === 'ours'
  const kept = [main, ...copies].find((entry) => (entry.author === self) === isOurs)
  if (kept === undefined) {
    const whose = isOurs ? 'was made on this device' : 'was made on another device'
    throw new DittoError(
      'DITTO_NOT_FOUND',
      `No version of ${JSON.stringify(main.path)} ${whose}; "dittofs conflicts" shows who made them.`,
    )
  }
  return endWith(main, copies, kept)
}

/**
 * The actions of a person who has seen these versions and no others.
 *
 * @throws DittoError DITTO_FILE_CHANGED where one of them is shown no more
 */
export function ifUnchanged(
  space: OpenSpace,
  { main, copies }: OpenConflict,
  actions: readonly Action[],
): readonly Action[] {
  for (const { path, version } of [main, ...copies]) {
    if (space.metadata.lookup(path)?.version === version) continue
    throw new DittoError(
      'DITTO_FILE_CHANGED',
      `${JSON.stringify(path)} was changed meanwhile; look at it and choose again.`,
    )
  }
  return actions
}

/**
 * Merges the versions of a text file and says which actions make the merged one the only one.
 *
 * @throws DittoError DITTO_CONFLICT (no text, no known base, several copies, or a clash), DITTO_CHUNK_MISSING
 */
export async function mergeVersions(
  access: ContentAccess,
  space: OpenSpace,
  history: SpaceHistory,
  { main, copies }: OpenConflict,
  options: AbortOptions = {},
): Promise<readonly Action[]> {
  const [copy] = copies
  const refuse = (why: string) =>
    new DittoError('DITTO_CONFLICT', `${JSON.stringify(main.path)} cannot be merged: ${why}.`)
  if (copy === undefined || copies.length > 1) throw refuse('there are more than two versions; choose among them')
  const base = await baseOf(history, main, copy)
  if (base?.content?.kind !== 'file') throw refuse('the version both come from is not known here')
  if (main.file === undefined || copy.file === undefined) throw refuse('it is no file')
  if (Math.max(main.file.size, copy.file.size, base.content.file.size) > MAX_MERGE_BYTES) throw refuse('it is too long')
  const { path } = main
  const read = (file: NonNullable<TreeEntry['file']>) =>
    readWhole(access, space, { path, file }, MAX_MERGE_BYTES, options)
  const [ours, theirs] = inOrder(main, copy)
  const merged = await mergeText(await read(base.content.file), await read(ours.file), await read(theirs.file))
  if (merged.kind !== 'merged') {
    throw refuse(merged.kind === 'clash' ? 'both changed the same lines' : 'a version is no text')
  }
  const { content, size } = await access.store.importStream(space.id, one(merged.bytes), {
    chunker: space.membership.chunker,
  })
  let { mtimeNs } = main.file
  if (copy.file.mtimeNs > mtimeNs) mtimeNs = copy.file.mtimeNs
  const file = { content, size, mtimeNs, mode: ours.file.mode | theirs.file.mode }
  return endWith(main, copies, { file })
}

/** The copies go, and what is kept has the name: by their paths, as each step is planned on what the one before left. */
function endWith(
  main: TreeEntry,
  copies: readonly TreeEntry[],
  kept: Pick<TreeEntry, 'file' | 'symlink'>,
): readonly Action[] {
  const removals = copies.map(({ path }): Action => ({ type: 'remove', path }))
  if (kept === main) return removals
  const { path } = main
  if (kept.file !== undefined) return [...removals, { type: 'write', path, file: kept.file }]
  return kept.symlink === undefined ? removals : [...removals, { type: 'symlink', path, symlink: kept.symlink }]
}

type FileEntry = TreeEntry & { readonly file: NonNullable<TreeEntry['file']> }

/** In an order that every device finds: all that merge must get the same bytes. */
function inOrder(main: TreeEntry, copy: TreeEntry): readonly [FileEntry, FileEntry] {
  const pair = [main as FileEntry, copy as FileEntry] as const
  return (main.version ?? '') < (copy.version ?? '') ? pair : [pair[1], pair[0]]
}

/** A conflict copy gets the name it is shown by as its own. */
function placeApart(space: OpenSpace, { node, version, path, name }: TreeEntry): NodeAction {
  const parent = space.metadata.lookup(path.slice(0, Math.max(0, path.length - name.length - 1)))
  const place = { parent: parent?.node ?? space.metadata.root, name }
  return { type: 'place', node, ...(version === undefined ? {} : { version }), ...place }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
