import { DittoError } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { MESSAGE_TYPE } from './message-type.ts'

/** Records of one message, so that checking them holds nothing up. */
export const MAX_ADDRESS_RECORDS = 64
/** Bytes of one signed record. */
export const MAX_ADDRESS_RECORD_BYTES = 2048

/**
 * @param records - signed address records, 1 to MAX_ADDRESS_RECORDS of at most MAX_ADDRESS_RECORD_BYTES
 * @returns a frame's payload, type byte included
 * @see docs/protocol.md#addresses
 */
export function encodeAddressesMessage(records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Buffer.of(MESSAGE_TYPE.addresses), encodeCbor({ records })])
}

/**
 * @param payload - a frame's payload, type byte included
 * @returns the records; what they say is for their signatures to prove
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeAddressesMessage(payload: Uint8Array): readonly Uint8Array[] {
  const body = decodeCbor(payload.subarray(1))
  const records: unknown = body instanceof Map ? body.get('records') : undefined
  if (payload[0] !== MESSAGE_TYPE.addresses || !Array.isArray(records)) throw malformed()
  if (records.length === 0 || records.length > MAX_ADDRESS_RECORDS) throw malformed()
  return records.map((record: unknown) => {
    if (!(record instanceof Uint8Array) || record.length > MAX_ADDRESS_RECORD_BYTES) throw malformed()
    return record
  })
}

function malformed(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer sent a message about addresses that is not well-formed.')
}
