import { XdrReader } from '../xdr/xdr-reader.ts'
import { AUTH_FAULT, type CallHeader } from './rpc-message.ts'

export const AUTH_NONE = 0
export const AUTH_SYS = 1
/** RFC 5531 appendix A. */
const MAX_MACHINE_NAME_BYTES = 255
const MAX_GROUPS = 16

/**
 * Whether a call's credentials are ones we take: AUTH_NONE, or a well formed AUTH_SYS. Nobody can prove who they are by
 * them, so what they name is not used: all files are the daemon user's, and addresses decide who may have them.
 *
 * @returns the auth_stat to refuse with, or `undefined`
 */
export function credentialFault({ credential, verifier }: CallHeader): number | undefined {
  if (credential.flavor === AUTH_SYS) {
    if (!isAuthSys(credential.body)) return AUTH_FAULT.badCredential
  } else if (credential.flavor !== AUTH_NONE) {
    return AUTH_FAULT.badCredential
  }
  if (verifier.flavor !== AUTH_NONE || verifier.body.length > 0) return AUTH_FAULT.badVerifier
  return undefined
}

function isAuthSys(body: Buffer): boolean {
  const reader = new XdrReader(body)
  try {
    reader.uint32() // stamp
    reader.opaque(MAX_MACHINE_NAME_BYTES)
    reader.uint32() // uid
    reader.uint32() // gid
    const groups = reader.uint32()
    return groups <= MAX_GROUPS && reader.remaining === groups * 4
  } catch {
    return false
  }
}
