import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSdp, parseSdp, type SessionParameters } from '../src/sdp.ts'

const SESSION: SessionParameters = {
  mid: '0',
  iceUfrag: '2ca2',
  icePassword: '93bc7ca76dbc28d26eb52a',
  fingerprint: Array.from({ length: 32 }, () => 'AB').join(':'),
  setup: 'actpass',
  sctpPort: 5_000,
  maxMessageBytes: 16_384,
}
const SDP = formatSdp(SESSION)
const protocolError: unknown = expect.objectContaining({ code: 'DITTO_PROTOCOL' })

describe('parseSdp', () => {
  it('reads what formatSdp wrote', () => {
    expect(parseSdp(SDP)).toEqual(SESSION)
  })

  it('ignores lines it does not need, and takes 64 KiB where no longest message is named', () => {
    const sdp = SDP.replace('s=-', 's=-\r\na=extmap-allow-mixed\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host')
    expect(parseSdp(sdp.replace(/a=max-message-size.*\r\n/, ''))).toEqual({ ...SESSION, maxMessageBytes: 65_536 })
  })

  it.each([
    ['nothing', ''],
    ['something else', '{"sdp":"v=0"}'],
    ['no media', SDP.replace(/m=.*\r\n/, '')],
    ['two media', SDP.replace('c=IN', `m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN`)],
    ['audio', SDP.replace('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'm=audio 9 UDP/TLS/RTP/SAVPF 0')],
    ['no fingerprint', SDP.replace(/a=fingerprint.*\r\n/, '')],
    ['a weak fingerprint', SDP.replace('sha-256', 'sha-1')],
    ['two fingerprints', SDP.replace('a=setup', `a=fingerprint:sha-256 ${SESSION.fingerprint}\r\na=setup`)],
    ['a short password', SDP.replace(SESSION.icePassword, 'short')],
    ['no user name', SDP.replace(/a=ice-ufrag.*\r\n/, '')],
    ['a port out of range', SDP.replace('a=sctp-port:5000', 'a=sctp-port:65536')],
    ['messages of a few bytes', SDP.replace('size:16384', 'size:16')],
    ['a mid with spaces', SDP.replace('a=mid:0', 'a=mid:0 1')],
    ['very many lines', SDP + 'a=x\r\n'.repeat(200)],
    ['a very long line', `${SDP}a=x:${'y'.repeat(10_000)}`],
  ])('refuses %s', (_, sdp) => {
    expect(() => parseSdp(sdp)).toThrow(protocolError)
  })

  it('gives parameters or a protocol error, whatever the text', () => {
    const lines = SDP.split('\r\n')
    const garbled = fc.array(fc.oneof(fc.constantFrom(...lines), fc.string()), { maxLength: 40 })
    fc.assert(
      fc.property(garbled, (chosen) => {
        try {
          parseSdp(`v=0\r\n${chosen.join('\r\n')}`)
        } catch (error) {
          expect(error).toMatchObject({ code: 'DITTO_PROTOCOL' })
        }
      }),
    )
  })
})
