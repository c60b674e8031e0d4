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
  reply.fixed(FATTR3_BYTES, (buffer, start) => {
    buffer.writeUInt32BE(FILE_TYPES[attributes.kind], start)
    buffer.writeUInt32BE(attributes.mode, start + 4)
    // There are no hard links. For directories 1 says that their links do not count what is below, as `find` knows.
    buffer.writeUInt32BE(1, start + 8)
    buffer.writeUInt32BE(owner.uid, start + 12)
    buffer.writeUInt32BE(owner.gid, start + 16)
    putHyper(buffer, attributes.size, start + 20)
    putHyper(buffer, usedBytes(attributes), start + 28)
    putHyper(buffer, 0, start + 36) // rdev: of devices only
    buffer.writeBigUInt64BE(entry.fileSystemId, start + 44)
    buffer.writeBigUInt64BE(attributes.fileId, start + 52)
    putTime(buffer, attributes.mtimeNs, start + 60) // atime, which no space keeps
    buffer.copy(buffer, start + 68, start + 60, start + 68)
    if (attributes.ctimeNs === attributes.mtimeNs) buffer.copy(buffer, start + 76, start + 60, start + 68)
    else putTime(buffer, attributes.ctimeNs, start + 76)
  })
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

function writeTime(reply: XdrWriter, timeNs: bigint): void {
  reply.fixed(8, (buffer, start) => putTime(buffer, timeNs, start))
}

/** nfstime3: unsigned seconds, until the year 2106. What lies outside shows as the nearest it has. */
function putTime(buffer: Buffer, timeNs: bigint, start: number): void {
  if (timeNs < 0n) {
    putHyper(buffer, 0, start)
    return
  }
  const seconds = timeNs / NANOSECONDS
  buffer.writeUInt32BE(Number(seconds > MAX_SECONDS ? MAX_SECONDS : seconds), start)
  buffer.writeUInt32BE(Number(timeNs - seconds * NANOSECONDS), start + 4)
}

/** A uint64 from a whole number of 0 to 2^53-1, without the cost of a bigint. */
function putHyper(buffer: Buffer, value: number, start: number): void {
  buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), start)
  buffer.writeUInt32BE(value % 0x1_0000_0000, start + 4)
}
