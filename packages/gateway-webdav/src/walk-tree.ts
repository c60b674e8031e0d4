import { isDittoError, type VolumeEntry } from '@dittofs/interface'
import { entriesOf } from './directory-entries.ts'
import type { RequestPath } from './request-path.ts'
import { findResource } from './resource.ts'
import type { ServedVolume } from './served-volume.ts'

/** A node as a URL shows it: behind any symlink. */
export interface WalkedNode {
  readonly path: RequestPath
  readonly entry: VolumeEntry
}

/**
 * A node, and what is below it, directory by directory: a page of each level is held, whatever the number of files.
 * Directories behind symlinks are named and not gone into: a link to a directory above it would never end.
 *
 * @param depth - levels below the node
 */
export async function* walkTree(served: ServedVolume, node: WalkedNode, depth: number): AsyncGenerator<WalkedNode> {
  yield node
  if (depth === 0 || node.entry.attributes.kind !== 'directory') return
  try {
    for await (const { name, entry } of entriesOf(served.volume, node.entry)) {
      const path = { exportName: node.path.exportName, names: [...node.path.names, name] }
      if (entry.attributes.kind !== 'symlink') yield* walkTree(served, { path, entry }, depth - 1)
      else {
        const behind = (await findResource(served, path)).entry
        if (behind !== undefined) yield { path, entry: behind }
      }
    }
  } catch (error) {
    // It was removed while it was listed.
    if (!isDittoError(error, 'DITTO_HANDLE_STALE')) throw error
  }
}
