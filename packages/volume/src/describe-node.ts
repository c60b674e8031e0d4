import { hash } from 'node:crypto'
import type { TreeEntry, VolumeAttributes, VolumeHandle } from '@dittofs/interface'
import { fileIdOf } from './handle-codec.ts'
import type { NodeTime } from './node-times.ts'
import type { OpenFile } from './open-file.ts'

/** Of a directory that nobody said anything of, and of symlinks. */
export const DEFAULT_DIRECTORY_MODE = 0o755
const SYMLINK_MODE = 0o777

export interface DescribedNode {
  readonly handle: VolumeHandle
  readonly entry: TreeEntry
  /** Where it has changes that are not committed. */
  readonly open: OpenFile | undefined
  readonly time: NodeTime
  /** Bytes of the committed version that are here. */
  readonly heldBytes: number
  /** Part of the tags of what only this process knows: another one after each restart. */
  readonly epoch: string
  /** What was set for the root, which has no attributes of its own in the space. */
  readonly own?: { readonly mode?: number | undefined; readonly mtimeNs?: bigint | undefined }
}

export function describeNode(node: DescribedNode): VolumeAttributes {
  const { handle, time } = node
  const part = partOf(node)
  const { mtimeNs } = part
  let ctimeNs = time.changedNs
  if (node.open !== undefined && node.open.changedNs > ctimeNs) ctimeNs = node.open.changedNs
  if (mtimeNs > ctimeNs) ctimeNs = mtimeNs
  return { ...part, ctimeNs, fileId: fileIdOf(handle) }
}

/** Of a file or symlink: another one after each change. */
export function changeTagOf({ entry, open, epoch }: Pick<DescribedNode, 'entry' | 'open' | 'epoch'>): string {
  return open === undefined ? `v.${entry.version ?? ''}` : `w.${epoch}.${open.changes.toString(36)}`
}

/** Of a file: the same for the same bytes, and another one after each write. */
export function contentTagOf({ entry, open, epoch }: Pick<DescribedNode, 'entry' | 'open' | 'epoch'>): string {
  if (open?.buffer.isChanged === true) return `x.${epoch}.${open.contentChanges.toString(36)}`
  const { size = 0, content } = entry.file ?? {}
  if (content?.kind === 'manifest') return contentTag(size, content.root)
  const [first, ...more] = content?.chunks ?? []
  if (first === undefined || more.length === 0) return contentTag(size, first?.id ?? '')
  return contentTag(size, hash('sha256', content?.chunks.map(({ id }) => id).join() ?? '', 'hex'))
}

function contentTag(size: number, id: string): string {
  return `c.${size.toString(36)}.${id.slice(0, 32)}`
}

function partOf(node: DescribedNode): Omit<VolumeAttributes, 'ctimeNs' | 'fileId'> {
  const { entry, open, time, heldBytes, epoch, own } = node
  const changeTag = changeTagOf(node)
  if (open !== undefined) {
    const { buffer, mode, mtimeNs } = open
    const held = Math.min(heldBytes + buffer.writtenBytes, buffer.size)
    return {
      kind: 'file',
      mode,
      size: buffer.size,
      heldBytes: held,
      mtimeNs,
      changeTag,
      contentTag: contentTagOf(node),
    }
  }
  const { kind, file, symlink, directory } = entry
  if (kind === 'file') {
    const { mode = 0, size = 0, mtimeNs = 0n } = file ?? {}
    return { kind, mode, size, heldBytes, mtimeNs, changeTag, contentTag: contentTagOf(node) }
  }
  if (kind === 'symlink') {
    const size = Buffer.byteLength(symlink?.target ?? '')
    const mtimeNs = symlink?.mtimeNs ?? 0n
    return { kind, mode: SYMLINK_MODE, size, heldBytes: size, mtimeNs, changeTag, contentTag: changeTag }
  }
  const tag = `d.${epoch}.${time.count.toString(36)}`
  return {
    kind,
    mode: own?.mode ?? directory?.mode ?? DEFAULT_DIRECTORY_MODE,
    size: 0,
    heldBytes: 0,
    mtimeNs: time.childrenNs ?? own?.mtimeNs ?? directory?.mtimeNs ?? 0n,
    changeTag: tag,
    contentTag: tag,
  }
}
