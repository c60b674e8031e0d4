import { DittoError, deviceKey, spaceId } from '@dittofs/interface'
import { decodeBase32, encodeBase32 } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { carriableAddresses, decodeTicket, decodeTicketOf, encodeTicket, type Ticket } from '../src/ticket.ts'

const SIGNAL_ADDRESS = `webrtc://${'44'.repeat(32)}@signal.example`

const ticket: Ticket = {
  key: deviceKey.parse('11'.repeat(32)),
  space: spaceId.parse('22'.repeat(32)),
  role: 'full',
  secret: new Uint8Array(16).fill(0x33),
  expiresAt: 29_000_000 * 60_000,
  addresses: ['tcp://192.0.2.7:4100', 'tcp://[2001:db8::7]:4101', SIGNAL_ADDRESS],
}

const bytesOf = (text: string) => Buffer.from(decodeBase32(text.slice('DITTO1'.length)) ?? [])

describe('encodeTicket', () => {
  it('writes the bytes that the format says', () => {
    const fields = [
      '01', // version
      '01', // role: full
      '11'.repeat(32), // inviter's key
      '22'.repeat(32), // space ID
      '33'.repeat(16), // secret
      '01ba8140', // expiry, minutes
      '02', // addresses
      '01 c0000207 1004', // IPv4, 192.0.2.7, 4100
      '02 20010db8000000000000000000000007 1005', // IPv6, 2001:db8::7, 4101
      Buffer.from(SIGNAL_ADDRESS).toString('hex'),
      '8ed51f0e', // first 4 bytes of SHA-256 of the above
    ]
    const text = encodeTicket(ticket)
    expect(text).toMatch(/^DITTO1[A-Z2-7]+$/)
    expect(bytesOf(text).toString('hex')).toBe(fields.join('').replaceAll(' ', ''))
  })

  it('keeps a usual ticket short enough for a QR code that is easy to read', () => {
    expect(encodeTicket({ ...ticket, addresses: ticket.addresses.slice(0, 1) }).length).toBeLessThan(250)
  })

  it('throws a RangeError for what the format cannot hold', () => {
    for (const wrong of [
      { expiresAt: 90_001 },
      { addresses: ['tcp://host.example:1'] },
      { addresses: new Array<string>(9).fill('tcp://192.0.2.7:1') },
      { secret: new Uint8Array(15) },
      { addresses: [`${SIGNAL_ADDRESS}${'x'.repeat(60)}`] },
      { addresses: [SIGNAL_ADDRESS, SIGNAL_ADDRESS] },
    ]) {
      expect(() => encodeTicket({ ...ticket, ...wrong })).toThrow(RangeError)
    }
  })
})

describe('decodeTicket', () => {
  it('reads what encodeTicket wrote', () => {
    const ip = fc.oneof(
      fc.ipV4().map((v4) => `tcp://${v4}`),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
        const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? []
        return `tcp://${new URL(`http://[${groups.join(':')}]`).hostname}`
      }),
    )
    const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const arbitrary = fc.record({
      key: hex32.map((bytes) => deviceKey.fromBytes(bytes)),
      space: hex32.map((bytes) => spaceId.fromBytes(bytes)),
      role: fc.constantFrom('full' as const, 'read' as const),
      secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      expiresAt: fc.nat({ max: 2 ** 32 - 1 }).map((minutes) => minutes * 60_000),
      addresses: fc.array(
        fc.tuple(ip, fc.integer({ min: 1, max: 65_535 })).map(([a, port]) => `${a}:${port}`),
        { maxLength: 8 },
      ),
    })
    fc.assert(
      fc.property(arbitrary, (any) => {
        expect(decodeTicket(encodeTicket(any))).toEqual(any)
      }),
      { numRuns: 300 },
    )
    expect(decodeTicket(encodeTicket(ticket))).toEqual(ticket)
  })

  it('reads a ticket that was broken over lines', () => {
    const text = encodeTicket(ticket)
    expect(decodeTicket(`  ${text.slice(0, 70)}\r\n${text.slice(70)}\n`)).toEqual(ticket)
  })

  it('notices every single character changed, lost, doubled or swapped', () => {
    const text = encodeTicket(ticket)
    const manglings: string[] = []
    for (let i = 0; i < text.length; i++) {
      const [before, character, after] = [text.slice(0, i), text[i] as string, text.slice(i + 1)]
      manglings.push(before + after, before + character + character + after)
      if (after !== '' && after[0] !== character) manglings.push(before + after[0] + character + after.slice(1))
      for (const other of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018a-=é') {
        if (other !== character) manglings.push(before + other + after)
      }
    }
    const undetected = manglings.filter((mangled) => {
      // Doubling one of several equal characters in a row gives what swapping gives: the text may be the same.
      if (mangled === text) return false
      try {
        decodeTicket(mangled)
        return true
      } catch (error) {
        return !(error instanceof DittoError && error.code === 'DITTO_TICKET_MANGLED')
      }
    })
    expect(undetected).toEqual([])
  })

  it('refuses another version by that name', () => {
    const bytes = bytesOf(encodeTicket(ticket))
    bytes[0] = 2
    expect(() => decodeTicket(`DITTO1${encodeBase32(bytes)}`)).toThrowError(
      expect.objectContaining({ code: 'DITTO_TICKET_MANGLED' }),
    )
  })

  it('answers any text with a ticket or DITTO_TICKET_MANGLED', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 500 }).map((bytes) => `DITTO1${encodeBase32(bytes)}`),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(() => decodeTicket(text)).toThrowError(expect.objectContaining({ code: 'DITTO_TICKET_MANGLED' }))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('carriableAddresses', () => {
  it('takes the first eight that mean something on another machine', () => {
    const many = Array.from({ length: 9 }, (_, i) => `tcp://192.0.2.7:${i + 1}`)
    expect(
      carriableAddresses(['webrtc://x', 'tcp://[fe80::1%eth0]:1', 'tcp://h:1', 'tcp://1.2.3.4:0', ...many]),
    ).toEqual(many.slice(0, 8))
    expect(carriableAddresses(['tcp://[2001:DB8:0::7]:1', 'tcp://[2001:db8::7]:1'])).toEqual(['tcp://[2001:db8::7]:1'])
    expect(carriableAddresses([SIGNAL_ADDRESS, SIGNAL_ADDRESS, 'tcp://192.0.2.7:1'])).toEqual([
      'tcp://192.0.2.7:1',
      SIGNAL_ADDRESS,
    ])
  })
})

describe('decodeTicketOf', () => {
  const sending: Ticket = { ...ticket, kind: 'send', role: 'read' }

  it('reads a ticket of its kind', () => {
    expect(decodeTicketOf('join', encodeTicket(ticket))).toEqual(ticket)
    expect(decodeTicketOf('send', encodeTicket(sending))).toEqual(sending)
  })

  it('says with which command a ticket of the other kind goes', () => {
    const used = { code: 'DITTO_USAGE' }
    expect(() => decodeTicketOf('join', encodeTicket(sending))).toThrowError(
      expect.objectContaining({ ...used, message: expect.stringContaining('dittofs receive') as string }),
    )
    expect(() => decodeTicketOf('send', encodeTicket(ticket))).toThrowError(
      expect.objectContaining({ ...used, message: expect.stringContaining('dittofs join') as string }),
    )
  })
})
