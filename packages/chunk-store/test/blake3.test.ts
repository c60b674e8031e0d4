import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Blake3, blake3KindFromEnvironment, loadBlake3 } from '../src/index.ts'

interface Vectors {
  readonly cases: readonly { readonly input_len: number; readonly hash: string }[]
}

const vectors = JSON.parse(readFileSync(new URL('./vectors/blake3.json', import.meta.url), 'utf8')) as Vectors

const native = nativeIfInstalled()

function nativeIfInstalled(): Blake3 | undefined {
  try {
    return loadBlake3('native')
  } catch {
    console.info('@napi-rs/blake-hash is not installed here: only blake3-wasm is held to the vectors')
    return undefined
  }
}

describe.each([loadBlake3('wasm'), ...(native === undefined ? [] : [native])])('BLAKE3, $kind', (blake3) => {
  test.each(vectors.cases)('hashes the official vector of $input_len bytes', ({ input_len, hash }) => {
    const input = Uint8Array.from({ length: input_len }, (_, index) => index % 251)
    expect(Buffer.from(blake3.hash(input)).toString('hex')).toBe(hash)
  })

  test('hashes a view into a longer buffer', () => {
    const bytes = Uint8Array.from({ length: 100 }, (_, index) => index)
    expect(blake3.hash(bytes.subarray(10, 60))).toEqual(blake3.hash(bytes.slice(10, 60)))
  })
})

test('the environment may force either implementation, and nothing else', () => {
  expect(blake3KindFromEnvironment({ DITTOFS_BLAKE3: 'wasm' })).toBe('wasm')
  expect(blake3KindFromEnvironment({ DITTOFS_BLAKE3: 'native' })).toBe('native')
  expect(blake3KindFromEnvironment({ DITTOFS_BLAKE3: 'md5' })).toBeUndefined()
  expect(blake3KindFromEnvironment({})).toBeUndefined()
})
