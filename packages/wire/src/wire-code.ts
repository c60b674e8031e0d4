import { type ErrorCode, isDittoError } from '@dittofs/interface'

/** The code of a session that ended because there was nothing more to say. */
export const WIRE_CODE_DONE = 0
/** Why a session ended when no other number fits; also what an unknown number means. */
const GENERIC = 1

/**
 * What `bye` may tell a peer, by number. Numbers are never used again for something else. Causes, paths and messages
 * stay on the device.
 */
const CODES: readonly (readonly [number, ErrorCode])[] = [
  [GENERIC, 'DITTO_INTERNAL'],
  [2, 'DITTO_PROTOCOL'],
  [3, 'DITTO_PROTOCOL_VERSION'],
  [4, 'DITTO_LIMIT'],
  [5, 'DITTO_NOT_A_MEMBER'],
  [6, 'DITTO_ROLE'],
  [7, 'DITTO_IDENTITY_CLONED'],
  [8, 'DITTO_CHUNK_CORRUPT'],
  [9, 'DITTO_UPDATE_INVALID'],
  [10, 'DITTO_UPDATE_GAP'],
  [11, 'DITTO_STATEMENT_INVALID'],
  [12, 'DITTO_LINK_TIMEOUT'],
  [13, 'DITTO_BUSY'],
  [14, 'DITTO_TIMEOUT'],
]

const NUMBER_OF = new Map(CODES.map(([number, code]) => [code, number]))
const CODE_OF = new Map(CODES)

/** The number that tells a peer why the session ends; `undefined` stands for a normal end. */
export function toWireCode(reason: unknown): number {
  if (reason === undefined) return WIRE_CODE_DONE
  return isDittoError(reason) ? (NUMBER_OF.get(reason.code) ?? GENERIC) : GENERIC
}

/** The code a peer's number stands for; `undefined` for a normal end. */
export function fromWireCode(number: number): ErrorCode | undefined {
  return number === WIRE_CODE_DONE ? undefined : (CODE_OF.get(number) ?? 'DITTO_INTERNAL')
}
