import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCandidate, NO_MORE_CANDIDATES, parseCandidate } from '../src/ice-candidate.ts'

const protocolError: unknown = expect.objectContaining({ code: 'DITTO_PROTOCOL' })
const body = (candidate: unknown) => JSON.stringify({ candidate, sdpMLineIndex: 0 })

describe('parseCandidate', () => {
  it.each([
    [
      'candidate:626da4 1 udp 2116026367 192.0.2.1 34587 typ host generation 0 ufrag 2ca2',
      'candidate:626da4 1 udp 2116026367 192.0.2.1 34587 typ host',
    ],
    [
      'candidate:1 1 UDP 1 198.51.100.7 9 typ srflx raddr 192.0.2.1 rport 4000',
      'candidate:1 1 udp 1 198.51.100.7 9 typ srflx raddr 0.0.0.0 rport 0',
    ],
    ['1 1 udp 1 2001:db8::7 65535 typ relay', 'candidate:1 1 udp 1 2001:db8::7 65535 typ relay raddr :: rport 0'],
    ['1 1 udp 1 ::1 1 typ host', 'candidate:1 1 udp 1 ::1 1 typ host'],
  ])('writes %s anew', (given, expected) => {
    expect(parseCandidate(formatCandidate(given, '2ca2'))).toEqual({ candidate: expected, ufrag: '2ca2' })
  })

  it('knows the mark behind the last one', () => {
    expect(parseCandidate(NO_MORE_CANDIDATES)).toBeUndefined()
  })

  it.each([
    ['no JSON', 'candidate:1 1 udp 1 192.0.2.1 9 typ host'],
    ['null', 'null'],
    ['no candidate', '{}'],
    ['a candidate that is no text', body(7)],
    ['TCP', body('1 1 tcp 1 192.0.2.1 9 typ host tcptype active')],
    ['a name to be looked up', body('1 1 udp 1 printer.local 9 typ host')],
    ['multicast', body('1 1 udp 1 224.0.0.251 5353 typ host')],
    ['broadcast', body('1 1 udp 1 255.255.255.255 9 typ host')],
    ['anywhere', body('1 1 udp 1 0.0.0.0 9 typ host')],
    ['multicast of IPv6', body('1 1 udp 1 ff02::fb 5353 typ host')],
    ['anywhere in IPv6', body('1 1 udp 1 :: 9 typ host')],
    ['IPv4 in IPv6', body('1 1 udp 1 ::ffff:127.0.0.1 9 typ host')],
    ['port 0', body('1 1 udp 1 192.0.2.1 0 typ host')],
    ['a port out of range', body('1 1 udp 1 192.0.2.1 65536 typ host')],
    ['a priority out of range', body('1 1 udp 4294967296 192.0.2.1 9 typ host')],
    ['a type that only the network may find', body('1 1 udp 1 192.0.2.1 9 typ prflx')],
    ['very long text', body(`1 1 udp 1 192.0.2.1 9 typ host ${'x'.repeat(2_000)}`)],
    ['a second line', body('1 1 udp 1 192.0.2.1 9 typ host\r\na=setup:active')],
  ])('refuses %s', (_, text) => {
    expect(() => parseCandidate(text)).toThrow(protocolError)
  })

  it('gives a candidate or a protocol error, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.string().map(body)), (text) => {
        try {
          parseCandidate(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_PROTOCOL' })
        }
      }),
    )
  })
})
