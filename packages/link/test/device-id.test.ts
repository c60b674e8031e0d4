import { deviceKey } from '@dittofs/interface'
import { BASE32_ALPHABET } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deviceId, parseDeviceId } from '../src/device-id.ts'

const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => deviceKey.fromBytes(bytes))

/** SHA-256("dittofs device v1" || key) in base32, then the check characters; computed apart from this code. */
const VECTORS = [
  ['00'.repeat(32), 'SSXUTF4-FJLK3XT-EJUGYSP-GP4KKQX-MO3ZTFO-BRY6SPI-Y6XAIOB-PIQJQYZ'],
  ['ff'.repeat(32), 'F2N76V7-6QMZG2E-UNBSIK6-GJYEWZH-ZT4NQ7N-OLBHVLI-YQ7JV7T-HAQYQSD'],
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    'GG6LCG6-WSML2AY-7TNVB7Z-NYQYGOU-V2TO7G7-R75FBQO-BNR3L7J-VBA366A',
  ],
] as const

describe('deviceId', () => {
  it.each(VECTORS)('is what the format says for %s', (key, id) => {
    expect(deviceId(deviceKey.parse(key))).toBe(id)
  })

  it('has eight groups of seven characters', () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(deviceId(key)).toMatch(/^[A-Z2-7]{7}(-[A-Z2-7]{7}){7}$/)
      }),
    )
  })
})

describe('parseDeviceId', () => {
  it('takes IDs as people type them', () => {
    fc.assert(
      fc.property(keys, (key) => {
        const id = deviceId(key)
        const typed = id.replaceAll('-', '').replaceAll('O', '0').replaceAll('I', '1').replaceAll('B', '8')
        expect(parseDeviceId(id)).toBe(id)
        expect(parseDeviceId(` ${id.toLowerCase()}\n`)).toBe(id)
        expect(parseDeviceId(typed)).toBe(id)
        expect(parseDeviceId(id.replaceAll('-', ' '))).toBe(id)
      }),
    )
  })

  it('notices every single wrong character', () => {
    const characters = deviceId(deviceKey.parse(VECTORS[2][0])).replaceAll('-', '')
    for (let at = 0; at < characters.length; at++) {
      for (const wrong of BASE32_ALPHABET) {
        if (wrong === characters[at]) continue
        const typed = characters.slice(0, at) + wrong + characters.slice(at + 1)
        expect(() => parseDeviceId(typed)).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
      }
    }
  })

  it('notices neighbours that changed places', () => {
    fc.assert(
      fc.property(keys, fc.nat(54), (key, at) => {
        const characters = deviceId(key).replaceAll('-', '')
        const swapped = characters.slice(0, at) + characters[at + 1] + characters[at] + characters.slice(at + 2)
        fc.pre(swapped !== characters)
        expect(() => parseDeviceId(swapped)).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
      }),
    )
  })

  it('notices missing and foreign characters', () => {
    const id = deviceId(deviceKey.parse(VECTORS[0][0]))
    for (const typed of ['', id.slice(0, -1), `${id}A`, id.replace(/^./, '!'), `${id.slice(0, -1)}9`]) {
      expect(() => parseDeviceId(typed)).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
    }
  })

  it('answers any text with an ID or an error of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        expect(() => parseDeviceId(text)).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
      }),
    )
  })
})
