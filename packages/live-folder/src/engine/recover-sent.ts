import type { NodeId, TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../base/base-entry.ts'
import type { BaseTree } from '../base/base-tree.ts'
import { contentOf, isSameBytes, parseContent } from '../base/content-text.ts'
import type { Intent } from '../base/intent.ts'
import { parseStamp } from '../base/stamp-text.ts'
import { parentPath, type RemoteTree } from '../plan/remote-tree.ts'
import { identity } from './outgoing-batch.ts'

type SendIntent = Extract<Intent, { readonly type: 'send' }>

/**
 * Brings the base up to date with what a life that ended in the middle did send. Where a file was sent and then written
 * over, moved or deleted while nothing ran, the version that was sent is the one that this happened to: taken for
 * something new, it would leave that version in the space beside it, and nobody would have its bytes.
 *
 * @returns the keys of places that are no more
 */
export function recoverSent(base: BaseTree, remote: RemoteTree, intent: SendIntent): readonly number[] {
  const shown = findSent(remote, intent)
  if (shown === undefined) return []
  const stamp = parseStamp(intent.stamp)
  const content = contentOf(shown)
  if (intent.base === undefined) {
    const parent = base.byNode(intent.parent).find(({ folder }) => folder === intent.folder)
    const name = intent.names.at(-1) as string
    if (parent?.isDirectory !== true || parent.children?.has(name) === true) return []
    if (base.byNode(intent.node).length > 0) return []
    base.add({ parent, name, rawName: intent.rawName, ...identity(shown), content, stamp, place: intent.place })
    return []
  }
  const entry = base.byNode(intent.node).find(({ version }) => version === intent.base)
  if (entry === undefined || entry.kind !== shown.kind) return []
  return takeOver(base, entry, shown, intent)
}

function takeOver(base: BaseTree, entry: BaseEntry, shown: TreeEntry, intent: SendIntent): number[] {
  const content = contentOf(shown)
  const stamp = parseStamp(intent.stamp)
  const isOther = !isSameBytes(entry.content, content)
  const { place } = entry
  base.update(entry, { ...identity(shown), content, stamp, place: intent.place }, isOther)
  return isOther && place !== 0 ? [place] : []
}

/** What the document shows of it, if it was sent and nothing has replaced it since. */
function findSent(remote: RemoteTree, { node, base, kind, content }: SendIntent): TreeEntry | undefined {
  const sent = parseContent(kind, content)
  return versionsOf(remote, node).find((shown) => {
    return shown.kind === kind && shown.version !== base && isSameBytes(contentOf(shown), sent)
  })
}

/** All that the document shows of a node: a file in conflict is shown several times. */
function versionsOf(remote: RemoteTree, node: NodeId): readonly TreeEntry[] {
  const main = remote.find(node)
  if (main === undefined || main.kind === 'directory') return main === undefined ? [] : [main]
  const beside = remote.children(parentPath(main.path)) ?? []
  return [main, ...beside.filter((entry) => entry.path !== main.path && entry.node === node)]
}
