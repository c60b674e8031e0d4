import { isDittoError, type VolumeEntry } from '@dittofs/interface'
import { pagesOf } from './directory-entries.ts'
import { encodeName, formatHref, type RequestPath } from './request-path.ts'
import { findResource } from './resource.ts'
import type { ServedVolume } from './served-volume.ts'

/** A node as a URL shows it: behind any symlink. */
export interface WalkedNode {
  readonly path: RequestPath
  readonly entry: VolumeEntry
  readonly href: string
}

/**
 * A node, and what is below it, directory by directory: a page of each level is held, whatever the number of files.
 * Directories behind symlinks are named and not gone into: a link to a directory above it would never end.
 *
 * @param depth - levels below the node
 * @returns nodes in batches of a page at most
 */
export async function* walkTree(
  served: ServedVolume,
  { path, entry }: Pick<WalkedNode, 'path' | 'entry'>,
  depth: number,
): AsyncGenerator<readonly WalkedNode[]> {
  const isDirectory = entry.attributes.kind === 'directory'
  const node = { path, entry, href: formatHref(path, isDirectory) }
  yield [node]
  if (isDirectory && depth > 0) yield* below(served, node, depth)
}

async function* below(
  served: ServedVolume,
  { path, entry: directory, href }: WalkedNode,
  depth: number,
): AsyncGenerator<readonly WalkedNode[]> {
  const childOf = (name: string, entry: VolumeEntry): WalkedNode => ({
    path: { exportName: path.exportName, names: [...path.names, name] },
    entry,
    href: `${href}${encodeName(name)}${entry.attributes.kind === 'directory' ? '/' : ''}`,
  })
  try {
    for await (const page of pagesOf(served.volume, directory)) {
      let batch: WalkedNode[] = []
      for (const found of page) {
        const { name, attributes } = found
        if (attributes.kind === 'symlink') {
          const behind = (await findResource(served, childOf(name, found).path)).entry
          if (behind !== undefined) batch.push(childOf(name, behind))
          continue
        }
        const child = childOf(name, found)
        batch.push(child)
        if (attributes.kind !== 'directory' || depth === 1) continue
        yield batch
        batch = []
        yield* below(served, child, depth - 1)
      }
      if (batch.length > 0) yield batch
    }
  } catch (error) {
    // It was removed while it was listed.
    if (!isDittoError(error, 'DITTO_HANDLE_STALE')) throw error
  }
}
