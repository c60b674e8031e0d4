// What of node:crypto the signaling client uses, in a browser: Ed25519 at once instead of by promise, which WebCrypto cannot.
import { ed25519 } from '@noble/curves/ed25519.js'

const RAW_BYTES = 32

export const createPrivateKey = ({ key }) => key.subarray(-RAW_BYTES)
export const createPublicKey = ({ key }) => key.subarray(-RAW_BYTES)
export const sign = (_, bytes, seed) => ed25519.sign(Uint8Array.from(bytes), Uint8Array.from(seed))
export const verify = (_, bytes, key, signature) =>
  ed25519.verify(Uint8Array.from(signature), Uint8Array.from(bytes), Uint8Array.from(key))
export const randomBytes = (size) => crypto.getRandomValues(new Uint8Array(size))

/** Part of the same modules, and never called by what runs in the page. */
export function hkdfSync() {
  throw new Error('the page derives no keys')
}
