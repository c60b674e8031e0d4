import { isUtf8 } from 'node:buffer'
import { MAX_NAME_BYTES } from '@dittofs/interface'
import { MAX_RECORD_BYTES } from '../limits.ts'
import type { XdrReader } from '../xdr/xdr-reader.ts'
import { NFS3, NfsError } from './nfs-status.ts'

/** filename3, as its bytes: too long a name is an NFS error and no garbage. */
export function readFileName(args: XdrReader): Buffer {
  return args.opaque(MAX_RECORD_BYTES)
}

/**
 * The name as text. Whether it may stand in a space is the volume's to say.
 *
 * @throws NfsError NFS3ERR_NAMETOOLONG, NFS3ERR_INVAL (no UTF-8)
 */
export function fileName(bytes: Buffer): string {
  if (bytes.length > MAX_NAME_BYTES) throw new NfsError(NFS3.nameTooLong)
  if (!isUtf8(bytes)) throw new NfsError(NFS3.invalid)
  return bytes.toString('utf8')
}
