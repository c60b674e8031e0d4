import { MAX_HANDLE_BYTES, type VolumeHandle } from '@dittofs/interface'
import { EXPORT_ID_BYTES, type ExportTable, type NfsExport } from '../export-table.ts'
import type { RpcPeer } from '../rpc/rpc-program.ts'
import { NFS3, NfsError } from './nfs-status.ts'

/** RFC 1813 section 2.4. */
export const NFS3_FHSIZE = 64
const FORMAT = 1
const HEAD_BYTES = 1 + EXPORT_ID_BYTES

/** A node that a client names, in an export that it may use. */
export interface Target {
  readonly export: NfsExport
  readonly handle: VolumeHandle
}

/** Names the node among those of all exports. */
export function keyOf({ export: { name }, handle }: Target): string {
  return `${handle}/${name}`
}

/** Format (1), the export's ID, and the volume's handle. */
export function encodeHandle({ export: { id }, handle }: Target): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + handle.length)
  bytes[0] = FORMAT
  id.copy(bytes, 1)
  bytes.write(handle, HEAD_BYTES, 'latin1')
  return bytes
}

/**
 * What a handle names. Whether the node is there the volume finds out.
 *
 * @throws NfsError NFS3ERR_BADHANDLE (we never gave out such a thing), NFS3ERR_STALE (the export is not served any more),
 *   NFS3ERR_ACCES (not to this address)
 */
export function decodeHandle(bytes: Buffer, exports: ExportTable, peer: RpcPeer): Target {
  if (bytes.length <= HEAD_BYTES || bytes.length > HEAD_BYTES + MAX_HANDLE_BYTES || bytes[0] !== FORMAT) {
    throw new NfsError(NFS3.badHandle)
  }
  const handle = bytes.toString('latin1', HEAD_BYTES)
  if (!/^[0-9a-zA-Z._-]+$/.test(handle)) throw new NfsError(NFS3.badHandle)
  const entry = exports.byId(bytes.subarray(1, HEAD_BYTES))
  if (entry === undefined) throw new NfsError(NFS3.stale)
  if (!entry.allows(peer.address)) throw new NfsError(NFS3.access)
  return { export: entry, handle: handle as VolumeHandle }
}
