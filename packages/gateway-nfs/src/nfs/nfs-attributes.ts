import type { NodeKind, VolumeAttributes } from '@dittofs/interface'
import type { NfsExport } from '../export-table.ts'
import type { XdrWriter } from '../xdr/xdr-writer.ts'

/** The user and group that all files are shown to belong to. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Section 2.5 of RFC 1813: fattr3. */
export const FATTR3_BYTES = 84
const FILE_TYPES: Readonly<Record<NodeKind, number>> = { file: 1, directory: 2, symlink: 5 }
const NANOSECONDS = 1_000_000_000n
const MAX_SECONDS = 0xffff_ffffn
const BLOCK_BYTES = 512

/** Writes the attributes of a node: fattr3. */
export function writeAttributes(reply: XdrWriter, attributes: VolumeAttributes, entry: NfsExport, owner: Owner): void {
  reply.uint32(FILE_TYPES[attributes.kind])
  reply.uint32(attributes.mode)
  // There are no hard links. For directories 1 says that their links do not count what is below, as `find` knows.
  reply.uint32(1)
  reply.uint32(owner.uid)
  reply.uint32(owner.gid)
  reply.hyper(attributes.size)
  reply.hyper(usedBytes(attributes))
  reply.hyper(0) // rdev: of devices only
  reply.uint64(entry.fileSystemId)
  reply.uint64(attributes.fileId)
  writeTime(reply, attributes.mtimeNs) // atime, which no space keeps
  writeTime(reply, attributes.mtimeNs)
  writeTime(reply, attributes.ctimeNs)
}

/** Some programs (GNU tar with --sparse) take a file without a single block for one hole and never read it. */
function usedBytes({ kind, size, heldBytes }: VolumeAttributes): number {
  return kind === 'file' && size > 0 ? Math.max(heldBytes, BLOCK_BYTES) : heldBytes
}

/** post_op_attr: the attributes, if they are known. */
export function writePostAttributes(
  reply: XdrWriter,
  attributes: VolumeAttributes | undefined,
  entry: NfsExport | undefined,
  owner: Owner,
): void {
  if (attributes === undefined || entry === undefined) {
    reply.boolean(false)
    return
  }
  reply.boolean(true)
  writeAttributes(reply, attributes, entry, owner)
}

/** pre_op_attr: by what a client sees whether what it remembers was right until its own change. */
export function writePreAttributes(reply: XdrWriter, attributes: VolumeAttributes | undefined): void {
  if (attributes === undefined) {
    reply.boolean(false)
    return
  }
  reply.boolean(true)
  reply.hyper(attributes.size)
  writeTime(reply, attributes.mtimeNs)
  writeTime(reply, attributes.ctimeNs)
}

/** nfstime3: unsigned seconds, until the year 2106. What lies outside shows as the nearest it has. */
function writeTime(reply: XdrWriter, timeNs: bigint): void {
  if (timeNs < 0n) {
    reply.hyper(0)
    return
  }
  const seconds = timeNs / NANOSECONDS
  reply.uint32(Number(seconds > MAX_SECONDS ? MAX_SECONDS : seconds))
  reply.uint32(Number(timeNs % NANOSECONDS))
}
