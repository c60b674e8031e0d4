import { createPublicKey, verify } from 'node:crypto'
import { type DeviceKey, deviceKey } from '@dittofs/interface'

/** This device's identity: the only thing that can sign as it. */
export interface Signer {
  readonly key: DeviceKey
  /** @returns an Ed25519 signature (RFC 8032), 64 bytes */
  sign(bytes: Uint8Array): Uint8Array
}

/** Whether `signature` is `key`'s over `bytes`; `false`, never an error, for a key that is no point of the curve. */
export type VerifySignature = (key: DeviceKey, bytes: Uint8Array, signature: Uint8Array) => boolean

/** SubjectPublicKeyInfo of an Ed25519 key is this and the raw key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export const verifyEd25519: VerifySignature = (key, bytes, signature) => {
  try {
    const der = Buffer.concat([SPKI_PREFIX, deviceKey.toBytes(key)])
    return verify(null, bytes, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
  } catch {
    return false
  }
}
