import { expect, it } from 'vitest'
import { deriveKey } from '../src/derive-key.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const secret = new Uint8Array(16).fill(0x42)

it('derives the same keys in every version', () => {
  expect(hex(deriveKey(secret, 'knock'))).toBe('a82e78f8a60074799c506afc39a488bfba03b2e58c1c9ae475e97ceab5c3b8c6')
  expect(hex(deriveKey(secret, 'join'))).toBe('85f32ee96c19d81a097ee00dbef653caa9830da0a399a81f5a690bdb01fb2459')
})

it('derives unrelated keys for the purposes of one secret', () => {
  const keys = (['knock', 'find', 'id', 'join'] as const).map((purpose) => hex(deriveKey(secret, purpose)))
  expect(new Set(keys).size).toBe(4)
})

it('refuses a secret that could be guessed', () => {
  expect(() => deriveKey(new Uint8Array(15), 'knock')).toThrow(RangeError)
})
