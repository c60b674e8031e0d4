import { isDittoError } from '@dittofs/interface'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIceUrl } from '../../src/signaling/ice-url.ts'

describe('parseIceUrl', () => {
  it.each([
    ['stun:stun.example', { kind: 'stun', transport: 'udp', host: 'stun.example', port: 3478 }],
    ['stun:192.0.2.7:19302', { kind: 'stun', transport: 'udp', host: '192.0.2.7', port: 19_302 }],
    ['turn:turn.example', { kind: 'turn', transport: 'udp', host: 'turn.example', port: 3478 }],
    ['TURN:turn.example:80?transport=udp', { kind: 'turn', transport: 'udp', host: 'turn.example', port: 80 }],
    ['turn:turn.example:80?transport=tcp', { kind: 'turn', transport: 'tcp', host: 'turn.example', port: 80 }],
    ['turn:[2001:db8::7]:80?transport=tcp', { kind: 'turn', transport: 'tcp', host: '2001:db8::7', port: 80 }],
    ['turns:turn.example', { kind: 'turn', transport: 'tls', host: 'turn.example', port: 5349 }],
    ['turns:turn.example:443?transport=tcp', { kind: 'turn', transport: 'tls', host: 'turn.example', port: 443 }],
  ])('reads %s', (url, expected) => {
    expect(parseIceUrl(url)).toEqual(expected)
  })

  it.each([
    ['stuns:stun.example', /STUN over TCP or TLS/],
    ['stun:stun.example?transport=tcp', /STUN over TCP or TLS/],
    ['turns:turn.example?transport=udp', /TURN over DTLS/],
    ['turn:turn.example?transport=sctp', /no known transport/],
    ['turn:turn.example:0', /no port/],
    ['turn:turn.example:70000', /no port/],
    ['turn://turn.example', /is none of/],
    ['turn:alice@turn.example', /is none of/],
    ['http://turn.example', /is none of/],
    ['turn.example:3478', /is none of/],
    ['', /is none of/],
  ])('refuses "%s" in a sentence', (url, sentence) => {
    expect(() => parseIceUrl(url)).toThrow(
      expect.objectContaining({ code: 'DITTO_USAGE', message: expect.stringMatching(sentence) as string }),
    )
  })

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        try {
          parseIceUrl(text)
        } catch (error) {
          expect(isDittoError(error, 'DITTO_USAGE')).toBe(true)
        }
      }),
    )
  })
})
