import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findTags, knockKey, MAX_FIND_TAGS, matchFindTags } from '../src/index.ts'

const meet = Uint8Array.from({ length: 32 }, (_, index) => index)
const keys = [knockKey(meet, 'find'), knockKey(new Uint8Array(16).fill(0x42), 'find')]
const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

describe('findTags', () => {
  it('has the bytes that the protocol says', () => {
    expect(findTags(keys, nonce).map((tag) => Buffer.from(tag).toString('hex'))).toEqual([
      '01f912878f1b6932',
      '14f3ed35ab1c6c89',
    ])
  })

  it('makes at most as many as an announcement holds', () => {
    const many = Array.from({ length: MAX_FIND_TAGS + 1 }, () => new Uint8Array(randomBytes(32)))
    expect(findTags(many, nonce)).toHaveLength(MAX_FIND_TAGS)
  })

  it('shows nothing in common from one nonce to the next', () => {
    const [first] = findTags(keys, nonce)
    const [second] = findTags(keys, Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1))
    expect(first).not.toEqual(second)
  })
})

describe('matchFindTags', () => {
  it('tells which secrets are shared', () => {
    const strangers = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))]
    const tags = findTags([...strangers, ...keys], nonce)
    expect(matchFindTags(keys, nonce, tags)).toEqual([0, 1])
    expect(matchFindTags([...keys].reverse(), nonce, tags.slice(0, 3))).toEqual([1])
    expect(matchFindTags(keys, nonce, findTags(strangers, nonce))).toEqual([])
  })

  it('finds nothing in malformed announcements', () => {
    const any = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 40 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), any, (anyNonce, tags) => {
        expect(matchFindTags(keys, anyNonce, tags)).toEqual([])
      }),
    )
    const tooMany = Array.from({ length: MAX_FIND_TAGS + 1 }, () => findTags(keys, nonce)[0] as Uint8Array)
    expect(matchFindTags(keys, nonce, tooMany)).toEqual([])
  })
})
