import { DittoError, type NodeId } from '@dittofs/interface'
import type { OpenSpace } from '../spaces/open-space.ts'

/**
 * The directory of a space that a live folder is to mirror, made where it is missing.
 *
 * @throws DittoError DITTO_EXISTS where the path is no directory
 */
export async function directoryNode(space: OpenSpace, path: string, nowMs: number): Promise<NodeId> {
  const found = space.metadata.lookup(path)
  if (found !== undefined && found.kind !== 'directory') {
    throw new DittoError('DITTO_EXISTS', `${JSON.stringify(path)} is no directory of the space.`)
  }
  if (found !== undefined) return found.node
  const directory = { mode: 0o755, mtimeNs: BigInt(nowMs) * 1_000_000n }
  const [made] = await space.metadata.transact([{ type: 'mkdir', path, directory }])
  if (made === undefined) throw new DittoError('DITTO_INTERNAL', 'The directory that was made is not shown.')
  return made.node
}
