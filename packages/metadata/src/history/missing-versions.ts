import type { MetadataStore, NodeEvent, NodeId, TreeEntry } from '@dittofs/interface'
import { parseVersionId } from '../version-id.ts'
import { type HistoryTable, historyKeys } from './history-database.ts'
import type { StoredVersion } from './stored-history.ts'

/**
 * The versions a store shows that the history does not know, as events, in batches: what came while nobody listened,
 * or did not reach the disk before a crash.
 *
 * @param isEmpty - whether the history knows nothing yet: then it is not asked
 */
export async function* missingVersions(
  store: Pick<MetadataStore, 'walk'>,
  table: HistoryTable,
  isEmpty: boolean,
): AsyncGenerator<readonly NodeEvent[]> {
  for await (const batch of store.walk('')) {
    const missing: NodeEvent[] = []
    for (const entry of batch) {
      const event = entry.path === '' ? undefined : await missingVersion(table, entry, isEmpty)
      if (event !== undefined) missing.push(event)
    }
    if (missing.length > 0) yield missing
  }
}

async function missingVersion(table: HistoryTable, entry: TreeEntry, isEmpty: boolean): Promise<NodeEvent | undefined> {
  const { node, version, path, author } = entry
  if (version === undefined) return undefined
  const isKnown = !isEmpty && (await table.get(historyKeys.version(node, version))) !== undefined
  if (isKnown) return undefined
  const before = isEmpty ? undefined : await latestVersion(table, node)
  const wasThere = before !== undefined && !before.isDeletion
  return {
    node,
    kind: 'version',
    author,
    t: parseVersionId(version).t,
    id: version,
    version,
    ...contentPart(entry),
    replaced: wasThere ? [before?.id as typeof version] : [],
    // What it builds on is known to the store alone.
    seen: [],
    ...(wasThere ? { pathBefore: before?.path ?? path } : {}),
    pathAfter: path,
  }
}

async function latestVersion(table: HistoryTable, node: NodeId): Promise<StoredVersion | undefined> {
  const range = historyKeys.versionsOf(node)
  for await (const [, stored] of table.entries<StoredVersion>(range, { reverse: true, limit: 1 })) return stored
  return undefined
}

function contentPart({ file, symlink, directory }: TreeEntry): Pick<NodeEvent, 'content'> {
  if (file !== undefined) return { content: { kind: 'file', file } }
  if (symlink !== undefined) return { content: { kind: 'symlink', symlink } }
  return directory === undefined ? {} : { content: { kind: 'directory', directory } }
}
