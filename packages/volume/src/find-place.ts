import type { MetadataStore, VolumePlace } from '@dittofs/interface'
import type { EntryFinder } from './entry-finder.ts'
import type { NodeDescriptions } from './node-descriptions.ts'
import { directoryOf } from './tree-paths.ts'
import { checkedName, fault } from './volume-faults.ts'

/** See `Volume.find`: two looks at the metadata, however long the path. */
export async function findPlace(
  metadata: Pick<MetadataStore, 'lookup'>,
  finder: EntryFinder,
  descriptions: NodeDescriptions,
  names: readonly string[],
): Promise<VolumePlace | undefined> {
  const path = names.map(checkedName).join('/')
  if (path === '') throw fault('DITTO_PATH_INVALID', 'A path to be found has one name at least.')
  const directory = metadata.lookup(directoryOf(path))
  if (directory?.kind !== 'directory') return undefined
  const entry = metadata.lookup(path)
  const found = entry === undefined ? undefined : await descriptions.entry(entry)
  return { directory: finder.handleOf(directory), entry: found }
}
