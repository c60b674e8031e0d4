import { createPublicKey, verify } from 'node:crypto'
import { registrationText } from '@dittofs/wire'
import { ed25519 } from '@noble/curves/ed25519.js'

/** SubjectPublicKeyInfo of an Ed25519 key up to the key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

export interface Registration {
  readonly key: Uint8Array
  readonly origin: string
  readonly signature: Uint8Array
}

/** Whether the holder of the key signed exactly this challenge for exactly this server. */
export function verifyRegistration({ key, origin, signature }: Registration, nonce: Uint8Array): boolean {
  try {
    // Such a key has no holder: one signature of it is right for every text, and OpenSSL takes it.
    if (ed25519.Point.fromBytes(key).isSmallOrder()) return false
    const spki = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' })
    return verify(null, registrationText(origin, nonce, key), spki, signature)
  } catch {
    return false
  }
}

/**
 * Whether a device that believes to talk to `origin` talks to this server: one of the configured names, or, without
 * any, the one it asked for in its request. A signature for another server is worth nothing here.
 */
export function isOwnOrigin(origin: string, configured: ReadonlySet<string>, hostHeader: string | undefined): boolean {
  if (configured.size > 0) return configured.has(origin)
  const host = origin.slice(origin.indexOf('//') + 2)
  return hostHeader !== undefined && host.toLowerCase() === withoutDefaultPort(hostHeader.toLowerCase(), origin)
}

function withoutDefaultPort(host: string, origin: string): string {
  const suffix = origin.startsWith('wss:') ? ':443' : ':80'
  return host.endsWith(suffix) ? host.slice(0, -suffix.length) : host
}
