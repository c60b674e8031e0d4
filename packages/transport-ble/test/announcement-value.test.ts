import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { announcementDigest, decodeAnnouncement, digestOfName, encodeAnnouncement } from '../src/announcement-value.ts'

const nonce = Buffer.from('0001020304050607', 'hex')
const tag = Buffer.from('a0a1a2a3a4a5a6a7', 'hex')

describe('the value of the announcement', () => {
  it('is the nonce, then the tags', () => {
    const value = encodeAnnouncement({ nonce, tags: [tag, nonce] })
    expect(value.toString('hex')).toBe('0001020304050607' + 'a0a1a2a3a4a5a6a7' + '0001020304050607')
    expect(decodeAnnouncement(value)).toEqual({ nonce, tags: [tag, nonce] })
    expect(announcementDigest(value)).toBe('e5acbb0d')
  })

  it('holds none to 16 tags', () => {
    for (const count of [0, 1, 16]) {
      const announcement = { nonce, tags: Array<Buffer>(count).fill(tag) }
      expect(decodeAnnouncement(encodeAnnouncement(announcement))).toEqual(announcement)
    }
    expect(() => encodeAnnouncement({ nonce, tags: Array<Buffer>(17).fill(tag) })).toThrow(RangeError)
  })

  it('is taken for nothing where it is anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const announcement = decodeAnnouncement(Buffer.from(bytes))
        const isOne = bytes.length >= 8 && bytes.length <= 136 && bytes.length % 8 === 0
        expect(announcement !== undefined).toBe(isOne)
        if (announcement !== undefined) expect(encodeAnnouncement(announcement).equals(bytes)).toBe(true)
      }),
    )
  })

  it('is known by what is advertised as a name, and other names are not taken for that', () => {
    expect(digestOfName('e5acbb0d')).toBe('e5acbb0d')
    for (const name of [undefined, '', 'E5ACBB0D', 'e5acbb0', 'e5acbb0d0', 'headphon']) {
      expect(digestOfName(name)).toBeUndefined()
    }
  })
})
