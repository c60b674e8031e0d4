import type { Action, Inversion, MetadataStore, NodeContent, NodeId, TreeEntry, VersionId } from '@dittofs/interface'
import { kindOfNode } from '../node-id.ts'
import type { StoredEvent } from './stored-history.ts'

export interface InvertInit {
  readonly store: Pick<MetadataStore, 'find' | 'lookup' | 'children'>
  /** In the order they came. */
  readonly events: AsyncIterable<StoredEvent>
  /** What the latest of some versions of a node held, of those still kept. */
  readonly contentOf: (node: NodeId, versions: readonly VersionId[]) => Promise<NodeContent | undefined>
}

/** What a group did to one node, all in all. */
interface NetChange {
  readonly node: NodeId
  readonly first: StoredEvent
  last: StoredEvent
  /** The first and last placement. */
  moves: { readonly first: StoredEvent; last: StoredEvent } | undefined
  /** What its first version replaced, and its last version. */
  edits: { readonly replaced: readonly VersionId[]; last: VersionId } | undefined
}

/**
 * The actions that undo a group. A change that something newer stands against is left alone and reported. They come in
 * an order in which each finds what it needs: what was deleted comes back first, what was made goes last.
 */
export async function invertGroup({ store, events, contentOf }: InvertInit): Promise<Inversion> {
  const changes = await netChanges(events)
  const undeletes: Action[] = []
  const places: Action[] = []
  const edits: Action[] = []
  const deletes: Action[] = []
  const skipped: Inversion['skipped'][number][] = []
  const directories: { readonly node: NodeId; readonly path: string }[] = []
  const leaving = new Set<NodeId>()
  for (const change of changes.values()) {
    const { node, first, last, moves, edits: edited } = change
    const skip = (reason: string) => {
      skipped.push({ node, path: last.pathAfter ?? first.pathBefore, reason })
    }
    const shown = store.find(node, edited?.last)
    const isDirectory = kindOfNode(node) === 'directory'
    if (first.pathBefore === undefined && last.pathAfter === undefined) continue
    if (last.pathAfter === undefined) {
      if (shown !== undefined && !isDirectory) skip('It has been brought back since.')
      else
        undeletes.push({ type: 'undelete', node, ...(moves?.first.placeBefore ? { to: moves.first.placeBefore } : {}) })
      continue
    }
    if (shown === undefined) {
      skip('It has been deleted since.')
    } else if (first.pathBefore === undefined) {
      if (isDirectory) directories.push({ node, path: shown.path })
      else if (edited !== undefined && shown.version !== edited.last) skip('It has been edited since.')
      else if (shown.version !== undefined) {
        deletes.push({ type: 'delete', node, base: shown.version })
        leaving.add(node)
      }
    } else {
      const { placeBefore } = moves?.first ?? {}
      if (moves !== undefined && placeBefore !== undefined && !isSamePlace(moves)) {
        if (standsAt(store, shown, moves.last)) {
          places.push({ type: 'place', node, parent: placeBefore.parent, name: placeBefore.name })
          leaving.add(node)
        } else skip('It has been moved since.')
      }
      if (edited !== undefined) {
        const content = await contentOf(node, edited.replaced)
        if (shown.version !== edited.last) skip('It has been edited since.')
        else if (content === undefined) skip('The version before is not kept any more.')
        else edits.push({ type: 'edit', node, base: edited.last, content })
      }
    }
  }
  // The deepest first: a directory goes when all that is in it goes.
  directories.sort((a, b) => b.path.split('/').length - a.path.split('/').length)
  for (const { node, path } of directories) {
    const staying = store.children(path)?.some((child) => (child.nodes ?? [child.node]).some((id) => !leaving.has(id)))
    if (staying === true) {
      skipped.push({ node, path, reason: 'Something else is in it by now.' })
    } else {
      deletes.push({ type: 'delete', node })
      leaving.add(node)
    }
  }
  return { actions: [...undeletes, ...places, ...edits, ...deletes], skipped }
}

async function netChanges(events: AsyncIterable<StoredEvent>): Promise<Map<NodeId, NetChange>> {
  const changes = new Map<NodeId, NetChange>()
  for await (const event of events) {
    const { node, kind, version, replaced } = event
    const change = changes.get(node) ?? { node, first: event, last: event, moves: undefined, edits: undefined }
    changes.set(node, change)
    change.last = event
    if (kind === 'placement') {
      if (change.moves === undefined) change.moves = { first: event, last: event }
      else change.moves.last = event
    }
    if (kind === 'version' && version !== undefined) {
      if (change.edits === undefined) change.edits = { replaced, last: version }
      else change.edits.last = version
    }
  }
  return changes
}

function isSamePlace({ first: { placeBefore }, last: { placeAfter } }: NonNullable<NetChange['moves']>): boolean {
  return placeBefore?.parent === placeAfter?.parent && placeBefore?.name === placeAfter?.name
}

/** Whether a node is still shown where a change put it. */
function standsAt(store: InvertInit['store'], entry: TreeEntry, { placeAfter }: StoredEvent): boolean {
  const slash = entry.path.lastIndexOf('/')
  const parent = store.lookup(slash < 0 ? '' : entry.path.slice(0, slash))
  const name =
    entry.conflictOf === undefined ? entry.name : entry.conflictOf.slice(entry.conflictOf.lastIndexOf('/') + 1)
  if (parent === undefined || placeAfter === undefined) return false
  return (parent.nodes ?? [parent.node]).includes(placeAfter.parent) && name === placeAfter.name
}
