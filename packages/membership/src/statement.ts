import { createHash } from 'node:crypto'
import {
  CHUNKERS,
  type ChunkerKind,
  type DeviceKey,
  DittoError,
  deviceKey,
  MAX_LABEL_BYTES,
  MAX_STATEMENT_BYTES,
  ROLES,
  type Role,
  type SpaceId,
  spaceId,
} from '@dittofs/interface'
import { decodeCbor, encodeCbor } from '@dittofs/wire'
import type { Signer, VerifySignature } from './signer.ts'

/** SHA-256 of a statement's bytes, signature included: 64 lowercase hex digits. */
export type StatementId = string

/** Heads that one statement names. */
export const MAX_SEEN = 16

interface StatementBase {
  readonly author: DeviceKey
  readonly subject: DeviceKey
  /** Milliseconds since the Unix epoch by the author's clock: for display, never for a decision. */
  readonly time: number
  /** The heads the author knew: sorted, at least one but for a genesis, at most MAX_SEEN. */
  readonly seen: readonly StatementId[]
}

/** What a member says about who belongs to a space. */
export type StatementBody =
  | (StatementBase & {
      /** Makes the space and fixes what never changes. Its ID is the space's; its subject, the author, is `full`. */
      readonly kind: 'genesis'
      readonly role: 'full'
      readonly name: string
      readonly chunker: ChunkerKind
      readonly hash: 'blake3'
      /** 16 random bytes, so that no two spaces are one. */
      readonly nonce: Uint8Array
    })
  | (StatementBase & { readonly kind: 'add'; readonly space: SpaceId; readonly role: Role; readonly name: string })
  | (StatementBase & { readonly kind: 'role'; readonly space: SpaceId; readonly role: Role })
  | (StatementBase & { readonly kind: 'remove' | 'leave'; readonly space: SpaceId })

export interface Statement {
  readonly id: StatementId
  readonly body: StatementBody
  /** As made or received; what is hashed, stored and passed on. */
  readonly bytes: Uint8Array
}

const VERSION = 1
const SIGNED_PREFIX = Buffer.from('dittofs member v1\0')
const SIGNATURE_BYTES = 64

/**
 * Makes a statement: CBOR of [body as a byte string, Ed25519 signature over "dittofs member v1\0" || body], the body
 * a map in deterministic CBOR.
 *
 * @see docs/protocol.md#statements
 */
export function signStatement(body: StatementBody, signer: Signer): Statement {
  const bodyBytes = encodeBody(body)
  const bytes = encodeCbor([bodyBytes, signer.sign(Buffer.concat([SIGNED_PREFIX, bodyBytes]))])
  if (bytes.length > MAX_STATEMENT_BYTES) throw new RangeError(`a statement of ${bytes.length} bytes is too long`)
  return { id: statementId(bytes), body, bytes }
}

/**
 * Reads and checks one statement on its own: form, limits, signature. Whether it counts is for `resolveMembers`.
 *
 * @param bytes - as received; must not change afterwards
 * @throws DittoError DITTO_STATEMENT_INVALID
 */
export function decodeStatement(bytes: Uint8Array, verify: VerifySignature): Statement {
  if (bytes.length > MAX_STATEMENT_BYTES) throw invalid('it is too long')
  const [bodyBytes, signature] = readEnvelope(bytes)
  const body = readBody(bodyBytes)
  // One meaning, one encoding: also refuses unknown fields and keys out of order.
  if (!Buffer.from(encodeBody(body)).equals(bodyBytes)) throw invalid('it is not in its one encoding')
  if (!verify(body.author, Buffer.concat([SIGNED_PREFIX, bodyBytes]), signature)) {
    throw invalid('its signature is not that of its author')
  }
  return { id: statementId(bytes), body, bytes }
}

export function statementId(bytes: Uint8Array): StatementId {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The space a statement speaks of. */
export function spaceOf(statement: Statement): SpaceId {
  return statement.body.kind === 'genesis' ? spaceId.parse(statement.id) : statement.body.space
}

function encodeBody(body: StatementBody): Uint8Array {
  return encodeCbor({
    ...body,
    v: VERSION,
    author: deviceKey.toBytes(body.author),
    subject: deviceKey.toBytes(body.subject),
    seen: body.seen.map((id) => Buffer.from(id, 'hex')),
    ...(body.kind !== 'genesis' && { space: spaceId.toBytes(body.space) }),
  })
}

function readEnvelope(bytes: Uint8Array): [body: Uint8Array, signature: Uint8Array] {
  const envelope = readCbor(bytes)
  if (!Array.isArray(envelope) || envelope.length !== 2) throw invalid('it is not a body and a signature')
  const [body, signature] = envelope as unknown[]
  if (!(body instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw invalid('its parts are no bytes')
  if (signature.length !== SIGNATURE_BYTES) throw invalid('its signature has the wrong length')
  return [body, signature]
}

function readBody(bytes: Uint8Array): StatementBody {
  const map = readCbor(bytes)
  if (!(map instanceof Map)) throw invalid('its body is no map')
  if (map.get('v') !== VERSION) throw invalid('it was made by another version of DittoFS')
  const kind: unknown = map.get('kind')
  const base = {
    author: deviceKey.fromBytes(bytesOf(map.get('author'), 32)),
    subject: deviceKey.fromBytes(bytesOf(map.get('subject'), 32)),
    time: timeOf(map.get('time')),
    seen: seenOf(map.get('seen')),
  }
  if (kind === 'genesis') {
    if (base.seen.length > 0 || base.author !== base.subject) throw invalid('it cannot begin a space')
    return {
      ...base,
      kind,
      role: oneOf(map.get('role'), ['full'] as const),
      name: nameOf(map.get('name')),
      chunker: oneOf(map.get('chunker'), CHUNKERS),
      hash: oneOf(map.get('hash'), ['blake3'] as const),
      nonce: bytesOf(map.get('nonce'), 16),
    }
  }
  if (base.seen.length === 0) throw invalid('it names no earlier statement')
  const inSpace = { ...base, space: spaceId.fromBytes(bytesOf(map.get('space'), 32)) }
  switch (kind) {
    case 'add':
      return { ...inSpace, kind, role: oneOf(map.get('role'), ROLES), name: nameOf(map.get('name')) }
    case 'role':
      return { ...inSpace, kind, role: oneOf(map.get('role'), ROLES) }
    case 'remove':
      if (base.author === base.subject) throw invalid('a device that goes by itself says "leave"')
      return { ...inSpace, kind }
    case 'leave':
      if (base.author !== base.subject) throw invalid('a device can only leave for itself')
      return { ...inSpace, kind }
    default:
      throw invalid('its kind is unknown')
  }
}

function readCbor(bytes: Uint8Array): unknown {
  try {
    return decodeCbor(bytes)
  } catch (cause) {
    throw invalid('it is not well-formed', cause)
  }
}

function bytesOf(value: unknown, length: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) throw invalid('a field has the wrong length')
  return value
}

function timeOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid('its time is no time')
  return value
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' || Buffer.byteLength(value) > MAX_LABEL_BYTES) throw invalid('its name is too long')
  return value
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw invalid('a field has an unknown value')
  return found
}

function seenOf(value: unknown): StatementId[] {
  if (!Array.isArray(value) || value.length > MAX_SEEN) throw invalid('it names too many earlier statements')
  const ids = value.map((item: unknown) => Buffer.from(bytesOf(item, 32)).toString('hex'))
  if (ids.some((id, i) => i > 0 && id <= (ids[i - 1] ?? ''))) throw invalid('the statements it names are not in order')
  return ids
}

function invalid(why: string, cause?: unknown): DittoError {
  return new DittoError('DITTO_STATEMENT_INVALID', `A statement about members was refused: ${why}.`, { cause })
}
