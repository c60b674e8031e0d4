import { DittoError, MAX_LABEL_BYTES, MAX_STATEMENT_BYTES, MAX_STATEMENTS } from '@dittofs/interface'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { MESSAGE_TYPE } from './message-type.ts'

/** Why an inviter refuses a ticket. On the wire the number. */
export const JOIN_NO_REASONS = {
  used: 1,
  expired: 2,
  revoked: 3,
  unknown: 4,
  /** A person at the inviter said no. */
  declined: 5,
  /** Nobody there said yes in time. */
  unconfirmed: 6,
} as const
export type JoinNoReason = keyof typeof JOIN_NO_REASONS

/**
 * The messages of the pairing exchange, in the order they are sent: `join` by the joiner, `joinOk` or `joinNo` by the
 * inviter, `joinDone` by the joiner once everything is durable there. Where a person has to confirm, the inviter sends
 * `joinWait` before its answer.
 *
 * @see docs/protocol.md#pairing
 */
export type PairingMessage =
  | {
      readonly type: 'join'
      /** 16 bytes: which ticket. */
      readonly ticketId: Uint8Array
      /** 32 bytes: HMAC-SHA256 under the ticket's join key of this link's exported keying material. */
      readonly tag: Uint8Array
      readonly name: string
      readonly platform: string
    }
  | {
      readonly type: 'joinOk'
      readonly spaceName: string
      /** The inviter's own name. */
      readonly name: string
      /** 32 bytes, secret. */
      readonly meet: Uint8Array
      /** All of the space's, parents first. */
      readonly statements: readonly Uint8Array[]
    }
  | { readonly type: 'joinNo'; readonly reason: JoinNoReason }
  | { readonly type: 'joinDone' }
  | { readonly type: 'joinWait' }

/** @returns a frame's payload, type byte included */
export function encodePairingMessage(message: PairingMessage): Uint8Array {
  return Buffer.concat([Buffer.of(MESSAGE_TYPE[message.type]), encodeCbor(bodyOf(message))])
}

/**
 * @param payload - a frame's payload, type byte included
 * @throws DittoError DITTO_PROTOCOL for every other message too: while pairing no other is allowed
 */
export function decodePairingMessage(payload: Uint8Array): PairingMessage {
  const body = decodeCbor(payload.subarray(1))
  if (!(body instanceof Map)) throw malformed()
  switch (payload[0]) {
    case MESSAGE_TYPE.join:
      return {
        type: 'join',
        ticketId: bytesField(body, 'ticketId', 16),
        tag: bytesField(body, 'tag', 32),
        name: labelField(body, 'name'),
        platform: labelField(body, 'platform'),
      }
    case MESSAGE_TYPE.joinOk:
      return {
        type: 'joinOk',
        spaceName: labelField(body, 'spaceName'),
        name: labelField(body, 'name'),
        meet: bytesField(body, 'meet', 32),
        statements: statementsField(body),
      }
    case MESSAGE_TYPE.joinNo:
      return { type: 'joinNo', reason: reasonOf(body.get('reason')) }
    case MESSAGE_TYPE.joinDone:
      return { type: 'joinDone' }
    case MESSAGE_TYPE.joinWait:
      return { type: 'joinWait' }
    default:
      throw malformed()
  }
}

function bodyOf(message: PairingMessage): object {
  const { type: _, ...fields } = message
  return message.type === 'joinNo' ? { reason: JOIN_NO_REASONS[message.reason] } : fields
}

/** A number of a later version is a refusal all the same. */
function reasonOf(number: unknown): JoinNoReason {
  if (typeof number !== 'number') throw malformed()
  const known = (Object.keys(JOIN_NO_REASONS) as JoinNoReason[]).find((name) => JOIN_NO_REASONS[name] === number)
  return known ?? 'unknown'
}

function bytesField(body: Map<unknown, unknown>, field: string, length: number): Uint8Array {
  const value = body.get(field)
  if (!(value instanceof Uint8Array) || value.length !== length) throw malformed()
  return value
}

function labelField(body: Map<unknown, unknown>, field: string): string {
  const value = body.get(field)
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_LABEL_BYTES) throw malformed()
  return value
}

function statementsField(body: Map<unknown, unknown>): Uint8Array[] {
  const value: unknown = body.get('statements')
  if (!Array.isArray(value) || value.length > MAX_STATEMENTS) throw malformed()
  return value.map((statement: unknown) => {
    if (!(statement instanceof Uint8Array) || statement.length > MAX_STATEMENT_BYTES) throw malformed()
    return statement
  })
}

function malformed(): DittoError {
  return new DittoError('DITTO_PROTOCOL', 'The other device sent something that does not belong to pairing.')
}
