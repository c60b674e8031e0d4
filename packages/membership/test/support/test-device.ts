import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { type DeviceKey, deviceKey } from '@dittofs/interface'
import type { Signer } from '../../src/signer.ts'

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A device whose key follows from its name. */
export function testDevice(name: string): Signer {
  const seed = createHash('sha256').update(name).digest()
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { key: deviceKey.fromBytes(spki.subarray(-32)), sign: (bytes) => sign(null, bytes, key) }
}

/** A device for tests in which nobody looks at signatures. */
export function unsignedDevice(name: string): Signer {
  const key = deviceKey.fromBytes(createHash('sha256').update(name).digest())
  return { key, sign: () => new Uint8Array(64) }
}

export const keysOf = (...devices: Signer[]): DeviceKey[] => devices.map(({ key }) => key).sort()
