import { createCipheriv } from 'node:crypto'

/** Bytes that look random and are the same for the same seed: AES-128 in counter mode over zeros. */
export function pseudoRandomBytes(seed: number, size: number): Uint8Array {
  const key = Buffer.alloc(16)
  key.writeDoubleBE(seed)
  const bytes = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size))
  return Uint8Array.from(bytes)
}
