import type {
  NodeKind,
  VolumeAttributes,
  VolumeDirent,
  VolumeEntry,
  VolumeHandle,
  VolumeName,
} from '@dittofs/interface'
import { MemoryFileContent } from './memory-file-content.ts'

/** A file, directory or symlink of a memory volume. */
export interface MemoryVolumeNode {
  readonly handle: VolumeHandle
  readonly fileId: bigint
  readonly kind: NodeKind
  /** What it stands in; the root stands in itself. */
  parent: MemoryVolumeNode
  name: string
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  /** Counts changes of content and attributes. */
  changes: number
  /** The last of them that was one of content. */
  contentChanges: number
  content: MemoryFileContent
  /** What a restart leaves of the content. */
  committed: MemoryFileContent
  readonly children: Map<string, { readonly cookie: bigint; node: MemoryVolumeNode }>
  readonly target: string
  /** What an exclusive create came with, as hex. */
  verifier: string | undefined
  /** Whether its bytes are said to be on no device that is reached. */
  isWithheld: boolean
}

export interface MemoryVolumeNodeInit {
  number: number
  kind: NodeKind
  mode: number
  nowNs: bigint
  target?: string
}

/** A node that stands nowhere yet. */
export function memoryVolumeNode(init: MemoryVolumeNodeInit): MemoryVolumeNode {
  const { number, kind, mode, nowNs, target = '' } = init
  const node = {
    handle: `${kind.charAt(0)}${number.toString(36)}` as VolumeHandle,
    fileId: BigInt(number),
    kind,
    name: '',
    mode,
    mtimeNs: nowNs,
    ctimeNs: nowNs,
    changes: 0,
    contentChanges: 0,
    content: new MemoryFileContent(),
    committed: new MemoryFileContent(),
    children: new Map(),
    target,
    verifier: undefined,
    isWithheld: false,
  }
  const whole = node as unknown as MemoryVolumeNode
  whole.parent = whole
  return whole
}

export function entryOf(node: MemoryVolumeNode): VolumeEntry {
  return { handle: node.handle, attributes: attributesOf(node) }
}

export function nameOf({ name, cookie, attributes: { fileId } }: VolumeDirent): VolumeName {
  return { name, cookie, fileId }
}

export function attributesOf(node: MemoryVolumeNode): VolumeAttributes {
  const { kind, mode, mtimeNs, fileId, content, target } = node
  const size = kind === 'file' ? content.size : Buffer.byteLength(target)
  let { ctimeNs } = node
  if (ctimeNs < mtimeNs) ctimeNs = mtimeNs
  const heldBytes = node.isWithheld ? 0 : size
  const tags = { changeTag: changeTagOf(node.changes), contentTag: `c:${node.contentChanges}` }
  return { kind, mode, size, heldBytes, mtimeNs, ctimeNs, fileId, ...tags }
}

export function changeTagOf(changes: number): string {
  return `m:${changes}`
}
