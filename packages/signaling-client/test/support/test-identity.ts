import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto'
import { deviceKey } from '@dittofs/interface'
import type { SignalingIdentity } from '../../src/signaling-key.ts'

/** An identity that is the same in every run: its seed is made of its name. */
export function testIdentity(name: string): SignalingIdentity {
  const seed = createHash('sha256').update(name).digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    key: deviceKey.fromBytes(spki.subarray(-32)),
    sign: (bytes) => sign(null, bytes, privateKey),
    deriveSecret: (label) => new Uint8Array(hkdfSync('sha256', seed, '', `dittofs identity v1 ${label}`, 32)),
  }
}
