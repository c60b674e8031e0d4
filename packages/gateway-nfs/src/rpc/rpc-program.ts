import type { XdrReader } from '../xdr/xdr-reader.ts'
import type { XdrWriter } from '../xdr/xdr-writer.ts'

/** Who calls. */
export interface RpcPeer {
  /** IPv4 or IPv6; IPv4 as such also where it came over an IPv6 socket. */
  readonly address: string
  /** Aborted when its connection is gone: nobody waits for an answer then. */
  readonly signal: AbortSignal
}

/** One call, with its arguments not read yet, and the reply as far as `success`. */
export interface RpcCall {
  readonly peer: RpcPeer
  readonly args: XdrReader
  readonly reply: XdrWriter
}

export interface RpcProcedure {
  readonly name: string
  /** Whether doing it twice does no harm. What does is answered from memory when the call comes again. */
  readonly isIdempotent: boolean
  /** Bytes that the reply may take, where they can be more than a few hundred. It may throw an XdrError. */
  replyBytes?(args: XdrReader): number
  /**
   * Writes the results behind the reply's head. Arguments are read before the first wait.
   *
   * @throws XdrError the arguments are garbage
   */
  run(call: RpcCall): void | Promise<void>
}

/** A set of procedures, in one version. */
export interface RpcProgram {
  readonly program: number
  readonly version: number
  /** By number; `undefined` where there is none. */
  readonly procedures: readonly (RpcProcedure | undefined)[]
}

/** Procedure 0 of every program: does nothing, for those who want to know whether somebody is there. */
export const NULL_PROCEDURE: RpcProcedure = { name: 'NULL', isIdempotent: true, run: () => undefined }
