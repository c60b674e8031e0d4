import type { XdrReader } from '../xdr/xdr-reader.ts'
import { XdrWriter } from '../xdr/xdr-writer.ts'

/** The one version of ONC RPC there is (RFC 5531). */
export const RPC_VERSION = 2
export const MESSAGE_CALL = 0
export const MESSAGE_REPLY = 1
const REPLY_ACCEPTED = 0
const REPLY_DENIED = 1
const DENIED_RPC_MISMATCH = 0
const DENIED_AUTH_ERROR = 1

/** What became of a call that was taken (section 9, accept_stat). */
export const ACCEPT = {
  success: 0,
  programUnavailable: 1,
  programMismatch: 2,
  procedureUnavailable: 3,
  garbageArguments: 4,
  systemError: 5,
} as const

/** Why a call was not taken (section 9, auth_stat). */
export const AUTH_FAULT = { badCredential: 1, badVerifier: 3, tooWeak: 5 } as const

/** Length of a credential's or verifier's body (section 8.2). */
export const MAX_AUTH_BYTES = 400

export interface OpaqueAuth {
  readonly flavor: number
  readonly body: Buffer
}

/** What stands before the arguments of a call whose RPC version is known. */
export interface CallHeader {
  readonly program: number
  readonly version: number
  readonly procedure: number
  readonly credential: OpaqueAuth
  readonly verifier: OpaqueAuth
}

/** @throws XdrError */
export function readCallHeader(reader: XdrReader): CallHeader {
  const program = reader.uint32()
  const version = reader.uint32()
  const procedure = reader.uint32()
  return { program, version, procedure, credential: readAuth(reader), verifier: readAuth(reader) }
}

function readAuth(reader: XdrReader): OpaqueAuth {
  return { flavor: reader.uint32(), body: reader.opaque(MAX_AUTH_BYTES) }
}

/** A reply to a call that was taken, as far as `status`; what the status wants behind it follows. */
export function acceptedReply(xid: number, status: number): XdrWriter {
  const reply = startReply(xid, REPLY_ACCEPTED)
  // The server proves nothing: a verifier of AUTH_NONE without a body.
  reply.hyper(0)
  reply.uint32(status)
  return reply
}

/** The program is there, but not in the version asked for. */
export function versionMismatchReply(xid: number, lowest: number, highest: number): XdrWriter {
  const reply = acceptedReply(xid, ACCEPT.programMismatch)
  reply.uint32(lowest)
  reply.uint32(highest)
  return reply
}

export function rpcMismatchReply(xid: number): XdrWriter {
  const reply = startReply(xid, REPLY_DENIED)
  reply.uint32(DENIED_RPC_MISMATCH)
  reply.uint32(RPC_VERSION)
  reply.uint32(RPC_VERSION)
  return reply
}

export function authErrorReply(xid: number, fault: number): XdrWriter {
  const reply = startReply(xid, REPLY_DENIED)
  reply.uint32(DENIED_AUTH_ERROR)
  reply.uint32(fault)
  return reply
}

function startReply(xid: number, kind: number): XdrWriter {
  const reply = new XdrWriter()
  // Place for the record mark.
  reply.uint32(0)
  reply.uint32(xid)
  reply.uint32(MESSAGE_REPLY)
  reply.uint32(kind)
  return reply
}

/** A finished reply as one record of one fragment (section 11). */
export function finishRecord(reply: XdrWriter): Buffer[] {
  const length = reply.length - 4
  const parts = reply.finish()
  parts[0]!.writeUInt32BE((0x8000_0000 | length) >>> 0, 0)
  return parts
}
