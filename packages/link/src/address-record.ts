import { type Address, type DeviceKey, DittoError, deviceKey } from '@dittofs/interface'
import { decodeCbor, encodeCbor, MAX_ADDRESS_RECORD_BYTES } from '@dittofs/wire'
import { verifySignature } from './ed25519.ts'
import type { Identity } from './identity.ts'

/** Addresses of one record. */
export const MAX_RECORDED_ADDRESSES = 8
/** Bytes of one address in a record. */
const MAX_ADDRESS_BYTES = 200
/** Scheme, then printable ASCII: nothing that could do harm where it is shown. */
const ADDRESS = /^[a-z][a-z0-9+.-]{0,15}:\/\/[\x21-\x7e]+$/
const SIGNED_PREFIX = Buffer.from('dittofs addresses v1\0')

/** Where a device says that it can be reached. */
export interface AddressRecord {
  readonly device: DeviceKey
  /** Rises with each record of the device: the highest counts. */
  readonly sequence: number
  /** When it was signed by the device's clock, milliseconds since the Unix epoch: to show, nothing more. */
  readonly time: number
  /** At most MAX_RECORDED_ADDRESSES. */
  readonly addresses: readonly Address[]
  /** The record as it is passed on, at most MAX_ADDRESS_RECORD_BYTES. */
  readonly bytes: Uint8Array
}

/**
 * Signs where this device can be reached: CBOR of [body as a byte string, Ed25519 signature over
 * "dittofs addresses v1\0" || body].
 *
 * @throws RangeError for too many addresses, or one that is none
 * @see docs/protocol.md#addresses
 */
export function signAddressRecord(
  identity: Pick<Identity, 'key' | 'sign'>,
  { sequence, time, addresses }: Pick<AddressRecord, 'sequence' | 'time' | 'addresses'>,
): AddressRecord {
  if (addresses.length > MAX_RECORDED_ADDRESSES || !addresses.every(isAddress)) throw new RangeError('not addresses')
  const device = identity.key
  const body = encodeCbor({ v: 1, device: deviceKey.toBytes(device), sequence, time, addresses })
  const bytes = encodeCbor([body, identity.sign(Buffer.concat([SIGNED_PREFIX, body]))])
  return { device, sequence, time, addresses, bytes }
}

/** A record whose signature was not looked at yet: that costs 0.1 ms, and most records are known already. */
export interface UncheckedAddressRecord extends AddressRecord {
  readonly isSigned: () => boolean
}

/**
 * Reads a record, without its signature.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export function readAddressRecord(bytes: Uint8Array): UncheckedAddressRecord {
  if (bytes.length > MAX_ADDRESS_RECORD_BYTES) throw malformed()
  const envelope = decodeCbor(bytes)
  if (!Array.isArray(envelope) || envelope.length !== 2) throw malformed()
  const [body, signature] = envelope as unknown[]
  if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw malformed()
  const fields = decodeCbor(body)
  if (!(fields instanceof Map) || fields.get('v') !== 1) throw malformed()
  const [device, sequence, time, addresses] = ['device', 'sequence', 'time', 'addresses'].map((name): unknown =>
    fields.get(name),
  )
  if (!(device instanceof Uint8Array) || device.length !== 32 || !isCount(sequence) || !isCount(time)) throw malformed()
  if (!Array.isArray(addresses) || addresses.length > MAX_RECORDED_ADDRESSES || !addresses.every(isAddress)) {
    throw malformed()
  }
  const key = deviceKey.fromBytes(device)
  return {
    ...{ device: key, sequence, time, addresses, bytes },
    isSigned: () => verifySignature(key, Buffer.concat([SIGNED_PREFIX, body]), signature),
  }
}

function isAddress(value: unknown): value is Address {
  return typeof value === 'string' && value.length <= MAX_ADDRESS_BYTES && ADDRESS.test(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function malformed(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer sent a record of addresses that is not well-formed.')
}
