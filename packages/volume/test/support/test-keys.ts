import { createHash, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { type DeviceKey, deviceKey, type Logger, spaceId } from '@dittofs/interface'

export const SPACE = spaceId.parse('5a'.repeat(32))
const silent = () => undefined
export const LOGGER: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** @see RFC 8410 section 7 for the prefix of an Ed25519 key */
export function keysOf(name: string) {
  const seed = createHash('sha256').update(name).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { key: deviceKey.fromBytes(raw), privateKey }
}

export function isSigned(key: DeviceKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(key, 'hex')])
  return verify(null, bytes, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature)
}
