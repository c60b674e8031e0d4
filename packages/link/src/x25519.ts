import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { type DeviceKey, deviceKey } from '@dittofs/interface'
import { ed25519 } from '@noble/curves/ed25519.js'

/** What stands before the 32 bytes of every X25519 key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')
export const X25519_BYTES = 32

/** The X25519 public key of a device: the same point as its Ed25519 key (RFC 7748, section 4.1), 32 bytes. */
export function agreementKeyOf(device: DeviceKey): Uint8Array {
  return ed25519.utils.toMontgomery(deviceKey.toBytes(device))
}

/** The X25519 private key that belongs to {@link agreementKeyOf}. @param seed - the Ed25519 private key, 32 bytes */
export function agreementSecretOf(seed: Uint8Array): Uint8Array {
  return ed25519.utils.toMontgomerySecret(seed)
}

/** @param secret - 32 bytes @returns its public key, 32 bytes */
export function publicX25519(secret: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKey(secret)).export({ type: 'spki', format: 'der' })
  return Uint8Array.from(spki.subarray(SPKI_PREFIX.length))
}

/**
 * X25519 (RFC 7748).
 *
 * @returns 32 bytes; `undefined` for a public key of small order, which would give the same to everybody
 */
export function x25519(secret: Uint8Array, theirs: Uint8Array): Uint8Array | undefined {
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, theirs]), format: 'der', type: 'spki' })
    const shared = diffieHellman({ privateKey: privateKey(secret), publicKey })
    return shared.every((byte) => byte === 0) ? undefined : Uint8Array.from(shared)
  } catch {
    return undefined
  }
}

function privateKey(secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, secret]), format: 'der', type: 'pkcs8' })
}
