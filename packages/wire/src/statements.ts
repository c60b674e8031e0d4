import { DittoError, MAX_STATEMENT_BYTES, MAX_STATEMENTS, type SpaceId, spaceId } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { MESSAGE_TYPE } from './message-type.ts'

/**
 * A step of the exchange of membership statements. `have` (32-byte statement IDs) asks for all others; `statements`
 * carries some, parents first. One message may do both.
 *
 * @see docs/protocol.md#statements
 */
export interface StatementsMessage {
  readonly space: SpaceId
  readonly have?: readonly Uint8Array[]
  readonly statements?: readonly Uint8Array[]
}

/** @returns a frame's payload, type byte included */
export function encodeStatementsMessage(message: StatementsMessage): Uint8Array {
  const body = { ...message, space: spaceId.toBytes(message.space) }
  return Buffer.concat([Buffer.of(MESSAGE_TYPE.statements), encodeCbor(body)])
}

/**
 * @param payload - a frame's payload, type byte included
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeStatementsMessage(payload: Uint8Array): StatementsMessage {
  const body = decodeCbor(payload.subarray(1))
  if (payload[0] !== MESSAGE_TYPE.statements || !(body instanceof Map)) throw malformed()
  const space: unknown = body.get('space')
  if (!(space instanceof Uint8Array) || space.length !== 32) throw malformed()
  const have = byteStrings(body.get('have'), (length) => length === 32)
  const statements = byteStrings(body.get('statements'), (length) => length <= MAX_STATEMENT_BYTES)
  return { space: spaceId.fromBytes(space), ...(have && { have }), ...(statements && { statements }) }
}

function byteStrings(list: unknown, isLength: (length: number) => boolean): Uint8Array[] | undefined {
  if (list === undefined) return undefined
  if (!Array.isArray(list) || list.length > MAX_STATEMENTS) throw malformed()
  return list.map((item: unknown) => {
    if (!(item instanceof Uint8Array) || !isLength(item.length)) throw malformed()
    return item
  })
}

function malformed(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The peer sent a message about members that is not well-formed.')
}
