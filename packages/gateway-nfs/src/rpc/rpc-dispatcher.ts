import type { Logger } from '@dittofs/interface'
import { MIN_CALL_BYTES } from '../limits.ts'
import { XdrError } from '../xdr/xdr-error.ts'
import { XdrReader } from '../xdr/xdr-reader.ts'
import type { XdrWriter } from '../xdr/xdr-writer.ts'
import { credentialFault } from './credentials.ts'
import type { DuplicateCache } from './duplicate-cache.ts'
import {
  ACCEPT,
  AUTH_FAULT,
  acceptedReply,
  authErrorReply,
  type CallHeader,
  finishRecord,
  MESSAGE_CALL,
  RPC_VERSION,
  readCallHeader,
  rpcMismatchReply,
  versionMismatchReply,
} from './rpc-message.ts'
import type { RpcPeer, RpcProcedure, RpcProgram } from './rpc-program.ts'

/** A call that is understood and not begun. */
export interface PreparedCall {
  /** Memory that it takes until its answer has left: the record, and as much as the answer may have. */
  readonly bytes: number
  /** Under which the answer is remembered, where it is. */
  readonly duplicateKey: string | undefined
  /** Does it. Never rejects. */
  run(): Promise<Buffer[]>
}

export interface RpcDispatcherInit {
  programs: readonly RpcProgram[]
  duplicates: DuplicateCache
  logger: Logger | undefined
}

/** Finds the procedure that a record calls, or the rejection that RFC 5531 section 9 has for it. */
export class RpcDispatcher {
  readonly #programs: readonly RpcProgram[]
  readonly #logger: Logger | undefined
  readonly duplicates: DuplicateCache

  constructor({ programs, duplicates, logger }: RpcDispatcherInit) {
    this.#programs = programs
    this.duplicates = duplicates
    this.#logger = logger
  }

  /** `undefined` for what is no call at all: there is nothing to answer, and no sense in what follows. */
  prepare(record: Buffer, peer: RpcPeer): PreparedCall | undefined {
    if (record.length < 8) return undefined
    const args = new XdrReader(record)
    const xid = args.uint32()
    if (args.uint32() !== MESSAGE_CALL) return undefined
    if (args.remaining < 4) return refusal(acceptedReply(xid, ACCEPT.garbageArguments))
    if (args.uint32() !== RPC_VERSION) return refusal(rpcMismatchReply(xid))
    let header: CallHeader
    try {
      header = readCallHeader(args)
    } catch {
      return refusal(authErrorReply(xid, AUTH_FAULT.badCredential))
    }
    const fault = credentialFault(header)
    if (fault !== undefined) return refusal(authErrorReply(xid, fault))
    const versions = this.#programs.filter(({ program }) => program === header.program)
    if (versions.length === 0) return refusal(acceptedReply(xid, ACCEPT.programUnavailable))
    const program = versions.find(({ version }) => version === header.version)
    if (program === undefined) {
      const numbers = versions.map(({ version }) => version)
      return refusal(versionMismatchReply(xid, Math.min(...numbers), Math.max(...numbers)))
    }
    const procedure = program.procedures[header.procedure]
    if (procedure === undefined) return refusal(acceptedReply(xid, ACCEPT.procedureUnavailable))
    return this.#prepareCall(procedure, { xid, record, args, peer })
  }

  #prepareCall(procedure: RpcProcedure, call: UnderstoodCall): PreparedCall {
    const { xid, record, args, peer } = call
    const run = (): Promise<Buffer[]> => this.#run(procedure, call)
    let replyBytes = 0
    if (procedure.replyBytes !== undefined) {
      try {
        replyBytes = procedure.replyBytes(new XdrReader(record.subarray(record.length - args.remaining)))
      } catch {
        return refusal(acceptedReply(xid, ACCEPT.garbageArguments))
      }
    }
    const bytes = record.length + replyBytes + MIN_CALL_BYTES
    if (procedure.isIdempotent) return { bytes, duplicateKey: undefined, run }
    const duplicateKey = this.duplicates.key(peer.address, xid, record)
    return { bytes, duplicateKey, run: () => this.duplicates.answer(duplicateKey, run) }
  }

  async #run(procedure: RpcProcedure, { xid, args, peer }: UnderstoodCall): Promise<Buffer[]> {
    const reply = acceptedReply(xid, ACCEPT.success)
    try {
      // Most procedures of the programs that are not NFS answer at once.
      const running = procedure.run({ peer, args, reply })
      if (running !== undefined) await running
      return finishRecord(reply)
    } catch (error) {
      if (error instanceof XdrError) return finishRecord(acceptedReply(xid, ACCEPT.garbageArguments))
      this.#logger?.error({ error, procedure: procedure.name }, 'A remote procedure failed in a way it should not.')
      return finishRecord(acceptedReply(xid, ACCEPT.systemError))
    }
  }
}

interface UnderstoodCall {
  readonly xid: number
  readonly record: Buffer
  readonly args: XdrReader
  readonly peer: RpcPeer
}

function refusal(reply: XdrWriter): PreparedCall {
  return { bytes: MIN_CALL_BYTES, duplicateKey: undefined, run: () => Promise.resolve(finishRecord(reply)) }
}
