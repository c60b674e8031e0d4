import { type ChunkRef, chunkId, isDittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeRecipe, encodeRecipe, type RecipeStep } from '../src/recipe-steps.ts'

const unhex = (...parts: string[]) => new Uint8Array(Buffer.from(parts.join('').replaceAll(' ', ''), 'hex'))
const ref = (byte: string, length: number): ChunkRef => ({ id: chunkId.parse(byte.repeat(32)), length })

/** A change here is a change of the protocol. */
const STEPS: readonly RecipeStep[] = [
  { kind: 'copy', position: 5, count: 300 },
  { kind: 'chunks', chunks: [ref('aa', 65_536), ref('bb', 1)] },
  { kind: 'copy', position: 0, count: 1 },
  {
    kind: 'made',
    chunk: ref('cc', 103),
    pieces: [
      { kind: 'part', position: 304, offset: 65_000, length: 100 },
      { kind: 'bytes', bytes: unhex('010203') },
    ],
  },
]
const VECTOR = [
  '00000005 012c', // position 5, 300 chunks
  'ffffffff 0002', // spelled out, 2 chunks
  'aa'.repeat(32),
  '00010000', // 65,536 bytes
  'bb'.repeat(32),
  '00000001', // 1 byte
  '00000000 0001', // position 0, 1 chunk
  'fffffffe 0002', // one chunk, made of 2 pieces
  'cc'.repeat(32),
  '00000067', // 103 bytes
  '00000130 0000fde8 00000064', // position 304, from byte 65,000, 100 bytes
  'ffffffff 00000000 00000003 010203', // 3 bytes
]

const givenBy = (step: RecipeStep) =>
  step.kind === 'copy' ? step.count : step.kind === 'chunks' ? step.chunks.length : 1

describe('the steps of a recipe', () => {
  it('are positions, or chunk IDs and lengths', () => {
    expect(Buffer.from(encodeRecipe(STEPS)).toString('hex')).toBe(VECTOR.join('').replaceAll(' ', ''))
    expect(decodeRecipe(unhex(...VECTOR), 305, 304)).toEqual(STEPS)
  })

  it('may be none at all: the peer cannot tell', () => {
    expect(decodeRecipe(new Uint8Array(), 10, 10)).toEqual([])
  })

  it.each<[string, string[], number, number]>([
    ['cut short in a step', ['00000005 01'], 305, 300],
    ['cut short in a chunk', ['ffffffff 0001', 'aa'.repeat(32), '0000'], 0, 1],
    ['too many', VECTOR, 305, 303],
    ['too few', VECTOR, 305, 305],
    ['of no chunks', ['00000005 0000'], 305, 300],
    ['behind the list', VECTOR, 304, 304],
    ['a chunk of no bytes', ['ffffffff 0001', 'aa'.repeat(32), '00000000'], 0, 1],
    ['made of no pieces', ['fffffffe 0000', 'cc'.repeat(32), '00000003'], 0, 1],
    ['made of too little', ['fffffffe 0001', 'cc'.repeat(32), '00000004 ffffffff 00000000 00000003 010203'], 0, 1],
    ['made of too much', ['fffffffe 0001', 'cc'.repeat(32), '00000002 ffffffff 00000000 00000003 010203'], 0, 1],
    ['made of what nobody named', ['fffffffe 0001', 'cc'.repeat(32), '00000002 00000005 00000000 00000002'], 5, 1],
    ['made of what is in no chunk', ['fffffffe 0001', 'cc'.repeat(32), '00000002 00000004 0003ffff 00000002'], 5, 1],
    [
      'made of too many pieces',
      ['fffffffe 0011', 'cc'.repeat(32), '00000011', '00000000 00000000 00000001'.repeat(17)],
      5,
      1,
    ],
    [
      'made of pieces too often',
      Array.from({ length: 65 }, () => [
        'fffffffe 0001',
        'cc'.repeat(32),
        '00000001 00000000 00000000 00000001',
      ]).flat(),
      5,
      65,
    ],
    ['a chunk longer than any chunk may be', ['ffffffff 0001', 'aa'.repeat(32), '00040001'], 0, 1],
  ])('are refused when they are %s', (_, parts, listed, count) => {
    expect(() => decodeRecipe(unhex(...parts), listed, count)).toThrow(
      expect.objectContaining({ code: 'DITTO_PROTOCOL' }) as Error,
    )
  })

  it('give steps or a protocol error for any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat({ max: 500 }),
        fc.integer({ min: 1, max: 500 }),
        (bytes, listed, count) => {
          try {
            const steps = decodeRecipe(bytes, listed, count)
            const given = steps.reduce((sum, step) => sum + givenBy(step), 0)
            expect([0, count]).toContain(given)
          } catch (error) {
            expect(isDittoError(error, 'DITTO_PROTOCOL')).toBe(true)
          }
        },
      ),
    )
  })
})
