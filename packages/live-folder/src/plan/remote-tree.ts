import type { MetadataStore, TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'

/** What planning reads of the document. */
export type RemoteTree = Pick<MetadataStore, 'root' | 'find' | 'lookup' | 'children'>

/** The entry that shows what the base has. `undefined` where the document shows it no longer. */
export function shownEntry(remote: RemoteTree, entry: BaseEntry): TreeEntry | undefined {
  for (const node of [entry.node, ...entry.nodes]) {
    const found = remote.find(node, entry.version)
    if (found !== undefined) return found
  }
  return undefined
}

/** All nodes shown as this entry. */
export function nodesOf(entry: TreeEntry): TreeEntry['nodes'] & object {
  return entry.nodes ?? [entry.node]
}

export function parentPath(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}
