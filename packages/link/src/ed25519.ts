import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type DeviceKey, deviceKey } from '@dittofs/interface'

/** The SubjectPublicKeyInfo of every Ed25519 key before its 32 bytes (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The device key of an Ed25519 public key; `undefined` for any other kind of key. */
export function deviceKeyOf(publicKey: KeyObject): DeviceKey | undefined {
  if (publicKey.type !== 'public') return undefined
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const isEd25519 =
    spki.length === SPKI_PREFIX.length + KEY_BYTES && spki.subarray(0, SPKI_PREFIX.length).equals(SPKI_PREFIX)
  return isEd25519 ? deviceKey.fromBytes(spki.subarray(SPKI_PREFIX.length)) : undefined
}

/**
 * Whether `signature` is that device's Ed25519 signature (RFC 8032) over exactly `bytes`. Never throws for what a
 * peer may send: a malformed signature or key is no signature.
 */
export function verifySignature(key: DeviceKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false
  try {
    const spki = Buffer.concat([SPKI_PREFIX, deviceKey.toBytes(key)])
    return verify(null, bytes, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
  } catch {
    return false
  }
}
