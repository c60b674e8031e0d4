import type { DeviceKey, NodeId, TreeEntry } from '@dittofs/interface'
import { unpackContent } from './content-codec.ts'
import { directoryContent } from './directory-content.ts'
import type { Event, Writer } from './event.ts'
import type { FoundEntry } from './find-node.ts'
import type { NodeState } from './node-state.ts'
import { isAlive, type ShownEntry } from './shown-tree.ts'
import { versionId } from './version-id.ts'

/** What others see of a shown entry. @param path - where it is shown, names joined by `/` */
export function treeEntry(entry: ShownEntry, path: string, devices: ReadonlyMap<Writer, DeviceKey>): TreeEntry {
  if (entry.kind === 'directory') {
    const { node } = entry.members.find(isAlive) ?? entry.members[0]!
    const version = directoryContent(entry)
    return {
      path,
      name: entry.name,
      node: node.id,
      ...nodesPart(entry.members),
      kind: 'directory',
      ...(version === undefined ? {} : { version: versionId(version), ...contentPart('directory', version.content) }),
      ...authorPart(version ?? node.placement, devices),
    }
  }
  const { node, version, conflictOf } = entry
  const parent = path.slice(0, path.length - entry.name.length)
  return {
    path,
    name: entry.name,
    node: node.id,
    ...nodesPart([entry, ...entry.duplicates]),
    kind: node.kind,
    version: versionId(version),
    ...contentPart(node.kind, version.content),
    ...authorPart(version, devices),
    ...(conflictOf === undefined ? {} : { conflictOf: parent + conflictOf }),
  }
}

/** What others see of an entry that was looked for by its node. */
export function foundTreeEntry(
  found: FoundEntry | undefined,
  devices: ReadonlyMap<Writer, DeviceKey>,
): TreeEntry | undefined {
  return found === undefined ? undefined : treeEntry(found.entry, found.names.join('/'), devices)
}

function nodesPart(shown: readonly { readonly node: NodeState }[]): { readonly nodes?: readonly NodeId[] } {
  return shown.length === 1 ? {} : { nodes: shown.map(({ node }) => node.id) }
}

function contentPart(kind: TreeEntry['kind'], packed: string): Pick<TreeEntry, 'file' | 'symlink' | 'directory'> {
  const { kind: _kind, ...part } = unpackContent(kind, packed)
  return part
}

function authorPart(event: Event | undefined, devices: ReadonlyMap<Writer, DeviceKey>): Pick<TreeEntry, 'author'> {
  const author = event === undefined ? undefined : devices.get(event.writer)
  return author === undefined ? {} : { author }
}
