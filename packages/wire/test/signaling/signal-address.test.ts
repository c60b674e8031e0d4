import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSignalAddress, parseSignalAddress, parseSignalOrigin } from '../../src/signaling/signal-address.ts'

const key = 'ab'.repeat(32)

describe('parseSignalAddress', () => {
  it.each([
    [`webrtc://${key}@signal.example.org`, 'wss://signal.example.org'],
    [`webrtc://${key}@signal.example.org:8443`, 'wss://signal.example.org:8443'],
    [`webrtc://${key}:plain@192.0.2.7:4110`, 'ws://192.0.2.7:4110'],
    [`webrtc://${key}:plain@[2001:db8::7]:4110`, 'ws://[2001:db8::7]:4110'],
  ])('reads %s', (address, origin) => {
    expect(parseSignalAddress(address)).toEqual({ key, origin })
    expect(formatSignalAddress({ key, origin })).toBe(address)
  })

  it.each([
    ['another scheme', `tcp://${key}@signal.example.org`],
    ['a short key', `webrtc://${key.slice(1)}@signal.example.org`],
    ['a key in capitals', `webrtc://${key.toUpperCase()}@signal.example.org`],
    ['no server', `webrtc://${key}@`],
    ['a path', `webrtc://${key}@signal.example.org/x`],
    ['a query', `webrtc://${key}@signal.example.org?x`],
    ['a second user', `webrtc://${key}@a@signal.example.org`],
    ['another mark than plain', `webrtc://${key}:secret@signal.example.org`],
    ['a host in capitals', `webrtc://${key}@Signal.example.org`],
    ['the default port', `webrtc://${key}@signal.example.org:443`],
    ['a port out of range', `webrtc://${key}@signal.example.org:65536`],
    ['an address in another base', `webrtc://${key}@0x7f000001`],
    ['a host that is too long', `webrtc://${key}@${'a.'.repeat(200)}org`],
    ['a line break', `webrtc://${key}@signal.example.org\n`],
    ['nothing', ''],
  ])('refuses %s', (_, address) => {
    expect(() => parseSignalAddress(address)).toThrowError(expect.objectContaining({ code: 'DITTO_USAGE' }))
  })

  it('takes no two spellings of one place', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.string({ maxLength: 30 }))
    fc.assert(
      fc.property(host, fc.boolean(), (name, isPlain) => {
        const address = `webrtc://${key}${isPlain ? ':plain' : ''}@${name}`
        try {
          expect(formatSignalAddress(parseSignalAddress(address))).toBe(address)
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_USAGE' })
        }
      }),
    )
  })
})

describe('parseSignalOrigin', () => {
  it('gives the one spelling of a server', () => {
    expect(parseSignalOrigin('WSS://Signal.Example.org:443/')).toBe('wss://signal.example.org')
    expect(parseSignalOrigin('ws://127.0.0.1:80')).toBe('ws://127.0.0.1')
  })

  it.each([
    'https://signal.example.org',
    'wss://signal.example.org/path',
    'wss://user@signal.example.org',
    'wss://',
    '',
  ])('refuses %s', (url) => {
    expect(() => parseSignalOrigin(url)).toThrowError(expect.objectContaining({ code: 'DITTO_USAGE' }))
  })
})
