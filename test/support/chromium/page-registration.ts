import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { Identity } from '@dittofs/link'
import { signalingKeyText } from '@dittofs/wire'

/** PKCS #8 of an Ed25519 key up to its seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** What a page needs to sign up at a signaling server for a device: its key there, and the proof of it; never the device key. */
export function pageRegistration(identity: Identity, server: string) {
  const seed = identity.deriveSecret(`dittofs signaling ${server}`)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  const proof = identity.sign(signalingKeyText(server, Buffer.from(x as string, 'base64url')))
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return { server, key: identity.key, seed: hex(seed), proof: hex(proof) }
}
