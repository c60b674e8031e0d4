import { createHash } from 'node:crypto'
import {
  type Address,
  type DeviceKey,
  DittoError,
  deviceKey,
  type Role,
  type SpaceId,
  spaceId,
} from '@dittofs/interface'
import { decodeBase32, encodeBase32, parseSignalAddress } from '@dittofs/wire'
import { formatSocketAddress, parseSocketAddress } from './socket-address.ts'

/** IP addresses with a port. */
export const MAX_TICKET_ADDRESSES = 8
/** A signaling key takes 64 of them, so that a server's name of some 50 characters fits. */
export const MAX_SIGNAL_ADDRESS_BYTES = 128
export const TICKET_SECRET_BYTES = 16

/** What a ticket is for: to `join` a space for good, or to receive once what somebody `send`s. */
export type TicketKind = 'join' | 'send'

/** What an invitation hands over, out of band. Whoever holds it may use it, once. */
export interface Ticket {
  /** Default `join`. One to `send` has the role `read`. */
  readonly kind?: TicketKind
  /** The inviter's. */
  readonly key: DeviceKey
  readonly space: SpaceId
  readonly role: Role
  /** TICKET_SECRET_BYTES random bytes. */
  readonly secret: Uint8Array
  /** Milliseconds since the Unix epoch, whole minutes. The inviter's clock decides. */
  readonly expiresAt: number
  /** Where the inviter listened: hints. At most MAX_TICKET_ADDRESSES of TCP, then at most one `webrtc://` address. */
  readonly addresses: readonly Address[]
}

const PREFIX = 'DITTO1'
const VERSION = 1
const ROLE_NUMBERS = { full: 1, read: 2 } as const satisfies Record<Role, number>
/** In the place of a role: a reader of a space that lasts as long as one transfer. */
const SEND_NUMBER = 3
const ADDRESS_TYPES = { tcp4: 1, tcp6: 2 } as const
const CHECKSUM_BYTES = 4
const FIXED_BYTES = 1 + 1 + 32 + 32 + TICKET_SECRET_BYTES + 4 + 1

/**
 * Writes a ticket as text fit for a QR code's alphanumeric mode: `DITTO1`, then base32 of version u8, role u8 (1 full,
 * 2 read, 3 a one-off transfer), key 32,
 * space 32, secret 16, expiry u32 big-endian in minutes, count u8, addresses (type u8, IP 4 or 16, port u16
 * big-endian), the `webrtc://` address as text up to the checksum, first 4 bytes of SHA-256 of all before.
 *
 * @throws RangeError for what the format cannot hold; {@link carriableAddresses} selects addresses that it can
 */
export function encodeTicket(ticket: Ticket): string {
  const signalAddresses = ticket.addresses.filter(isSignalAddress)
  const addresses = ticket.addresses.filter((address) => !isSignalAddress(address)).map(encodeAddress)
  const signalAddress = Buffer.from(signalAddresses[0] ?? '')
  const minutes = ticket.expiresAt / 60_000
  if (addresses.length > MAX_TICKET_ADDRESSES) throw new RangeError('a ticket holds at most 8 addresses')
  if (signalAddresses.length > 1 || signalAddress.length > MAX_SIGNAL_ADDRESS_BYTES) {
    throw new RangeError('a ticket holds one webrtc:// address of at most 128 bytes')
  }
  if (ticket.secret.length !== TICKET_SECRET_BYTES) throw new RangeError('a ticket secret is 16 bytes long')
  if (!Number.isInteger(minutes) || minutes < 0 || minutes >= 2 ** 32) {
    throw new RangeError('a ticket expires at a whole minute')
  }
  const expiry = Buffer.alloc(4)
  expiry.writeUInt32BE(minutes)
  const content = Buffer.concat([
    Buffer.of(VERSION, ticket.kind === 'send' ? SEND_NUMBER : ROLE_NUMBERS[ticket.role]),
    deviceKey.toBytes(ticket.key),
    spaceId.toBytes(ticket.space),
    ticket.secret,
    expiry,
    Buffer.of(addresses.length),
    ...addresses,
    signalAddress,
  ])
  return PREFIX + encodeBase32(Buffer.concat([content, checksum(content)]))
}

/**
 * Reads a ticket as a person pasted it: white space, line breaks included, is dropped.
 *
 * @throws DittoError DITTO_TICKET_MANGLED
 */
export function decodeTicket(text: string): Ticket {
  const compact = text.replaceAll(/\s+/g, '')
  const bytes = compact.startsWith(PREFIX) ? decodeBase32(compact.slice(PREFIX.length)) : undefined
  if (bytes === undefined || bytes.length < FIXED_BYTES + CHECKSUM_BYTES) throw mangled()
  const content = Buffer.from(bytes.subarray(0, -CHECKSUM_BYTES))
  if (!checksum(content).equals(bytes.subarray(-CHECKSUM_BYTES))) throw mangled()
  if (content[0] !== VERSION) {
    throw new DittoError('DITTO_TICKET_MANGLED', 'This ticket was made by another version of DittoFS: update this one.')
  }
  const isSend = content[1] === SEND_NUMBER
  const role = isSend ? 'read' : (Object.keys(ROLE_NUMBERS) as Role[]).find((name) => ROLE_NUMBERS[name] === content[1])
  if (role === undefined) throw mangled()
  const { addresses, end } = decodeAddresses(content, FIXED_BYTES - 1)
  const signalAddress = content.subarray(end).toString()
  if (signalAddress !== '' && !isCarriableSignalAddress(signalAddress)) throw mangled()
  return {
    ...(isSend && { kind: 'send' as const }),
    key: deviceKey.fromBytes(content.subarray(2, 34)),
    space: spaceId.fromBytes(content.subarray(34, 66)),
    role,
    secret: Uint8Array.from(content.subarray(66, 82)),
    expiresAt: content.readUInt32BE(82) * 60_000,
    addresses: signalAddress === '' ? addresses : [...addresses, signalAddress],
  }
}

/**
 * Reads a ticket that has to be of one kind.
 *
 * @throws DittoError DITTO_TICKET_MANGLED, DITTO_USAGE (of the other kind)
 */
export function decodeTicketOf(kind: TicketKind, text: string): Ticket {
  const ticket = decodeTicket(text)
  if ((ticket.kind ?? 'join') === kind) return ticket
  throw new DittoError(
    'DITTO_USAGE',
    kind === 'join'
      ? 'This ticket brings files once and makes no member: use it with "dittofs receive".'
      : 'This ticket makes a device a member of a space: use it with "dittofs join".',
  )
}

/** The first addresses that a ticket can hold, those of TCP before the one at a signaling server, without repeats. */
export function carriableAddresses(addresses: readonly Address[]): Address[] {
  const carried = addresses.flatMap((address) => {
    const parsed = parseSocketAddress(address)
    return parsed === undefined ? [] : [formatSocketAddress(parsed)]
  })
  const signalAddress = addresses.find(isCarriableSignalAddress)
  const socketAddresses = [...new Set(carried)].slice(0, MAX_TICKET_ADDRESSES)
  return signalAddress === undefined ? socketAddresses : [...socketAddresses, signalAddress]
}

function isSignalAddress(address: Address): boolean {
  return address.startsWith('webrtc://')
}

function isCarriableSignalAddress(address: Address): boolean {
  if (!isSignalAddress(address) || Buffer.byteLength(address) > MAX_SIGNAL_ADDRESS_BYTES) return false
  try {
    parseSignalAddress(address)
    return true
  } catch {
    return false
  }
}

function encodeAddress(address: Address): Buffer {
  const parsed = parseSocketAddress(address)
  if (parsed === undefined) throw new RangeError(`a ticket cannot hold the address ${address}`)
  const type = parsed.ip.length === 4 ? ADDRESS_TYPES.tcp4 : ADDRESS_TYPES.tcp6
  return Buffer.concat([Buffer.of(type), parsed.ip, Buffer.of(parsed.port >> 8, parsed.port & 255)])
}

function decodeAddresses(content: Buffer, start: number): { addresses: Address[]; end: number } {
  const count = content.readUInt8(start)
  if (count > MAX_TICKET_ADDRESSES) throw mangled()
  const addresses: Address[] = []
  let at = start + 1
  for (let i = 0; i < count; i++) {
    const type = content[at]
    const ipBytes = type === ADDRESS_TYPES.tcp4 ? 4 : type === ADDRESS_TYPES.tcp6 ? 16 : undefined
    if (ipBytes === undefined || at + 1 + ipBytes + 2 > content.length) throw mangled()
    const ip = content.subarray(at + 1, at + 1 + ipBytes)
    addresses.push(formatSocketAddress({ ip, port: content.readUInt16BE(at + 1 + ipBytes) }))
    at += 1 + ipBytes + 2
  }
  return { addresses, end: at }
}

function checksum(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest().subarray(0, CHECKSUM_BYTES)
}

function mangled(): DittoError {
  return new DittoError(
    'DITTO_TICKET_MANGLED',
    'This is not a whole ticket: copy it again, all of it, from DITTO1 to its last character.',
  )
}
