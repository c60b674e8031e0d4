import { chunkId } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import {
  decodeChunkKey,
  decodeEntry,
  decodeState,
  encodeChunkKey,
  encodeEntry,
  encodeSpaceKey,
  encodeState,
} from '../src/index-codec.ts'

const ID = chunkId.parse('ab'.repeat(32))

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

describe('the index on disk', () => {
  test('names a chunk by "c" and its ID', () => {
    expect(toHex(encodeChunkKey(ID))).toBe(`63${'ab'.repeat(32)}`)
    expect(decodeChunkKey(encodeChunkKey(ID))).toBe(ID)
  })

  test('holds pack, offset, length and spaces of a chunk', () => {
    const entry = { pack: 7, offset: 16, length: 65536, spaces: [1, 3] }
    const golden = ['00000007', '00000010', '00010000', '00000001', '00000003'].join('')
    expect(toHex(encodeEntry(entry))).toBe(golden)
    expect(decodeEntry(Buffer.from(golden, 'hex'))).toEqual(entry)
  })

  test('names a space by "s" and its number', () => {
    expect(toHex(encodeSpaceKey(3))).toBe('7300000003')
  })

  test('holds format version, indexed position and totals of the store', () => {
    const state = { pack: 7, offset: 4096, chunks: 12, bytes: 2 ** 33 }
    const golden = ['00000001', '00000007', '00001000', '000000000000000c', '0000000200000000'].join('')
    expect(toHex(encodeState(state))).toBe(golden)
    expect(decodeState(Buffer.from(golden, 'hex'))).toEqual(state)
  })

  test('is made anew when its state is missing, unfinished, of another format or of another length', () => {
    const state = { pack: 7, offset: 0, chunks: 0, bytes: 0 }
    const other = Buffer.from(encodeState(state))
    other[3] = 2
    expect(decodeState(undefined)).toBeUndefined()
    expect(decodeState(encodeState({ ...state, pack: 0 }))).toBeUndefined()
    expect(decodeState(other)).toBeUndefined()
    expect(decodeState(encodeState(state).subarray(1))).toBeUndefined()
  })
})
