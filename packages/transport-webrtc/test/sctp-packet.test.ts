import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dataPacket, readPacket, sackPacket } from '../src/sctp-packet.ts'

const PORTS = { local: 5000, remote: 5000, tag: 0x01020304 }
const u16 = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffffffff })

const DATA = {
  type: 0,
  flags: 3,
  tsn: 0x0a0b0c0d,
  streamId: 1,
  streamSeqNum: 2,
  protocol: 53,
  userData: Buffer.from('hi'),
} as const

describe('an SCTP packet', () => {
  it('of data is as in RFC 9260', () => {
    expect(dataPacket(PORTS, DATA).toString('hex')).toBe(
      [
        '1388', // source port
        '1388', // destination port
        '01020304', // verification tag
        '9b3b0efb', // CRC32c
        '00', // DATA
        '03', // first and last fragment
        '0012', // length of the chunk
        '0a0b0c0d', // TSN
        '0001', // stream
        '0002', // stream sequence number
        '00000035', // payload protocol: WebRTC binary
        '6869', // data
        '0000', // padding
      ].join(''),
    )
  })

  it('gives back what was put in', () => {
    const data = fc.record({
      ...{ type: fc.constant(0 as const), flags: fc.integer({ min: 0, max: 255 }), tsn: u32, streamId: u16 },
      ...{ streamSeqNum: u16, protocol: u32 },
      userData: fc.uint8Array({ minLength: 1, maxLength: 1200 }).map((bytes) => Buffer.from(bytes)),
    })
    const sack = fc.record({
      ...{ type: fc.constant(3 as const), cumulativeTsn: u32, advertisedRwnd: u32 },
      ...{ gaps: fc.array(fc.tuple(u16, u16), { maxLength: 20 }), duplicates: fc.constant([]) },
    })
    fc.assert(
      fc.property(fc.oneof(data, sack), (chunk) => {
        const packet = chunk.type === 0 ? dataPacket(PORTS, chunk) : sackPacket(PORTS, chunk)
        expect(readPacket(packet, PORTS.tag)).toEqual([chunk])
      }),
    )
  })

  it('is left as it is where its checksum, tag, type or length is another one', () => {
    const packet = dataPacket(PORTS, DATA)
    expect(readPacket(Buffer.from(packet), 1)).toBeUndefined()
    for (let at = 4; at < packet.length; at++) {
      const changed = Buffer.from(packet)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x40, at)
      const before = Buffer.from(changed)
      expect(readPacket(changed, PORTS.tag)).toBeUndefined()
      expect(changed).toEqual(before)
    }
    for (let length = 0; length < packet.length; length++) {
      expect(readPacket(Buffer.from(packet.subarray(0, length)), PORTS.tag)).toBeUndefined()
    }
  })

  it('of any bytes is read or not, and never an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        const packet = Buffer.from(bytes)
        if (packet.length >= 8) packet.writeUInt32BE(PORTS.tag, 4)
        expect(readPacket(packet, PORTS.tag)).toBeUndefined()
      }),
    )
  })
})
