import { createPrivateKey, sign } from 'node:crypto'
import { type DeviceKey, deviceKey } from '@dittofs/interface'
import { signalingKeyText } from '@dittofs/wire'
import { ed25519 } from '@noble/curves/ed25519.js'

/** PKCS #8 of an Ed25519 key up to its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What of a device's identity signaling needs; `Identity` of @dittofs/link is one. */
export interface SignalingIdentity {
  readonly key: DeviceKey
  /** @returns the Ed25519 signature by `key` over exactly `bytes`, 64 bytes */
  sign(bytes: Uint8Array): Uint8Array
  /** 32 secret bytes that only this device can derive, the same each time for one label. */
  deriveSecret(label: string): Uint8Array
}

/**
 * The key by which a device is registered at one server. Another server sees another key, so that two servers cannot
 * tell from their registrations that they serve one device.
 */
export interface SignalingKey {
  readonly origin: string
  /** Ed25519 public key in lower-case hex, as addresses carry it. */
  readonly hex: string
  /** The same as 32 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes: the device key whose signaling key this is. */
  readonly device: Uint8Array
  /** 64 bytes: the device key's signature that says so. */
  readonly proof: Uint8Array
  /** X25519 keys made of the Ed25519 ones (RFC 7748), by which signals are sealed and opened. The first is secret. */
  readonly sealing: { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array }
  /** @returns the Ed25519 signature over exactly `bytes`, 64 bytes */
  sign(bytes: Uint8Array): Uint8Array
}

/** @param origin - as parseSignalOrigin gives it */
export function signalingKey(identity: SignalingIdentity, origin: string): SignalingKey {
  const seed = identity.deriveSecret(`dittofs signaling ${origin}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = ed25519.getPublicKey(seed)
  return {
    origin,
    hex: Buffer.from(publicKey).toString('hex'),
    publicKey,
    device: deviceKey.toBytes(identity.key),
    proof: identity.sign(signalingKeyText(origin, publicKey)),
    sealing: {
      secretKey: ed25519.utils.toMontgomerySecret(seed),
      publicKey: ed25519.utils.toMontgomery(publicKey),
    },
    sign: (bytes) => sign(null, bytes, privateKey),
  }
}

/**
 * @param publicKey - an Ed25519 key, 32 bytes, from anybody
 * @returns the X25519 key of the same holder
 * @throws Error when it is no point of the curve, or one that everybody has the secret of
 */
export function sealingKeyOf(publicKey: Uint8Array): Uint8Array {
  const point = ed25519.Point.fromBytes(publicKey)
  if (point.isSmallOrder()) throw new RangeError('not a key: its order is small')
  return ed25519.utils.toMontgomery(publicKey)
}
