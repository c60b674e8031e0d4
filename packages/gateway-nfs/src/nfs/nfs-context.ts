import type { Clock, Logger, VolumeAttributes } from '@dittofs/interface'
import type { ExportTable, NfsExport } from '../export-table.ts'
import type { RpcCall, RpcPeer } from '../rpc/rpc-program.ts'
import type { XdrReader } from '../xdr/xdr-reader.ts'
import type { XdrWriter } from '../xdr/xdr-writer.ts'
import type { ChangesUnderWay } from './changes-under-way.ts'
import type { DirtyFiles } from './dirty-files.ts'
import { type Owner, writePostAttributes } from './nfs-attributes.ts'
import { decodeHandle, NFS3_FHSIZE, type Target } from './nfs-handle.ts'
import { knownStatus, NFS3, NfsError } from './nfs-status.ts'
import type { NodeTurns } from './node-turns.ts'

/** What all procedures share. */
export interface NfsContext {
  readonly exports: ExportTable
  readonly owner: Owner
  readonly dirtyFiles: DirtyFiles
  readonly turns: NodeTurns
  readonly changes: ChangesUnderWay
  readonly clock: Clock
  readonly logger: Logger | undefined
}

/** One call of an NFS procedure. */
export class NfsCall {
  readonly args: XdrReader
  readonly reply: XdrWriter
  readonly context: NfsContext
  readonly #peer: RpcPeer
  readonly #start: number

  constructor(context: NfsContext, { args, reply, peer }: RpcCall) {
    this.context = context
    this.args = args
    this.reply = reply
    this.#peer = peer
    this.#start = reply.length
  }

  /** Aborted when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#peer.signal
  }

  /** nfs_fh3, not looked at yet. */
  readHandle(): Buffer {
    return this.args.opaque(NFS3_FHSIZE)
  }

  /** @throws NfsError */
  target(handle: Buffer): Target {
    return decodeHandle(handle, this.context.exports, this.#peer)
  }

  /** @throws NfsError as {@link target}, and NFS3ERR_ROFS */
  writableTarget(handle: Buffer): Target {
    const target = this.target(handle)
    if (target.export.isReadOnly) throw new NfsError(NFS3.readOnly)
    return target
  }

  /**
   * Begins the answer anew, with the status for an error. It is told to the log where it should not have come up.
   */
  refuse(error: unknown): void {
    this.reply.truncate(this.#start)
    let status = knownStatus(error)
    if (status === undefined) {
      if (!this.signal.aborted) {
        this.context.logger?.error({ error }, 'An NFS call failed in a way it should not.')
      }
      status = NFS3.serverFault
    }
    this.reply.uint32(status)
  }

  writePostAttributes(attributes: VolumeAttributes | undefined, entry: NfsExport | undefined): void {
    writePostAttributes(this.reply, attributes, entry, this.context.owner)
  }
}

/** Attributes for an answer that tells of an error: they help, but are not what was asked for. */
export async function attributesIfAny(target: Target | undefined): Promise<VolumeAttributes | undefined> {
  if (target === undefined) return undefined
  return target.export.volume.attributes(target.handle).catch(() => undefined)
}
