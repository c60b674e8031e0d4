import {
  DittoError,
  MAX_FILE_BYTES,
  MAX_FRAME_BYTES,
  MAX_IDS_PER_REQUEST,
  MAX_LABEL_BYTES,
  MAX_MANIFEST_DEPTH,
  MAX_MANIFEST_NODE_ENTRIES,
} from '@dittofs/interface'
import { decodeCbor, encodeCbor } from './cbor.ts'
import { type ChunksMessage, decodeChunks } from './chunks-message.ts'
import { bool, bytes, type Field, integer, list, optional, type RecordOf, record, text, u32 } from './field.ts'
import { MESSAGE_TYPE } from './message-type.ts'
import { decodeMetadata, type MetadataMessage } from './metadata-message.ts'
import { decodePackedChunks, type PackedChunksMessage } from './packed-chunks-message.ts'

/** Bytes of the random number that tells one run of a device from the next. */
export const INSTANCE_ID_BYTES = 16
/** Spaces that one session may name. */
export const MAX_SPACES_PER_SESSION = 256
/** Runs of chunks of one manifest that one request may name. */
export const MAX_RANGES_PER_REQUEST = 256

/** Logs that one `digests` message may name; a device with more sends several. */
export const MAX_DIGESTS_PER_MESSAGE = 4096
/** Bytes of one log in `digests`: its number as u64, and a digest of 32 bytes. */
export const LOG_DIGEST_BYTES = 40
/** Bytes of an update in `logPart`, so that the message fits in a frame. */
export const MAX_LOG_PART_BYTES = 900_000

/** Versions of files that one `askKept` may name. */
export const MAX_VERSIONS_PER_QUESTION = 256
/** Text by which metadata names a node or a version. */
const MAX_METADATA_ID_BYTES = 64

/** What a device can do beyond what every device does, by number. Unknown ones are skipped. */
export const ABILITY = { answersOutlines: 1, echoes: 2 } as const
const MAX_ABILITIES = 32

/** Chunks of a manifest that one `askOutline` or `askRecipe` may be about. */
export const MAX_RECIPE_CHUNKS = 4 * MAX_MANIFEST_NODE_ENTRIES
/** Chunks that the references of one `askRecipe` may name, all together. */
export const MAX_REFERENCE_CHUNKS = 4 * MAX_RECIPE_CHUNKS
/** Manifests that one `askRecipe` may refer to, and runs of chunks of each. */
export const MAX_REFERENCES = 64
export const MAX_RANGES_PER_REFERENCE = 64
/** Bytes that stand for a chunk in an outline. */
export const HOOK_BYTES = 6
/** Hooks of one outline. */
export const MAX_HOOKS = 4096
/** Bytes of a recipe's steps, so that the message fits in a frame. */
export const MAX_RECIPE_BYTES = 900_000

/** Content that one `askEcho` takes there and one `echo` brings back: as much as fits in a frame beside the fields. */
export const MAX_ECHO_BYTES = MAX_FRAME_BYTES - 1024
/** Bytes of the seed that the random pattern is made from. */
export const ECHO_SEED_BYTES = 16
/** Bytes that stand for how a content was cut, hashed and named. */
export const CONTENT_DIGEST_BYTES = 32
/** Ways of cutting content that an `echo` may tell of. */
const MAX_ECHO_DIGESTS = 8

/** Number of a log, and a place in it: an update names neither by more. */
const log = integer(1, Number.MAX_SAFE_INTEGER)
const clock = integer(0, 2 ** 48)

/** Exact as a double, and more than any file has chunks. */
const index = integer(0, MAX_FILE_BYTES)

const space = { number: u32, id: bytes(32), name: optional(text(MAX_LABEL_BYTES)) }

const fileVersion = { node: text(MAX_METADATA_ID_BYTES), version: text(MAX_METADATA_ID_BYTES) }

const range = { first: index, count: integer(1, MAX_IDS_PER_REQUEST) }

const manifest = {
  root: bytes(32),
  depth: integer(1, MAX_MANIFEST_DEPTH),
  chunks: integer(1, MAX_FILE_BYTES),
  size: integer(1, MAX_FILE_BYTES),
  ranges: list(record(range), 1, MAX_RANGES_PER_REQUEST),
}

const wholeManifest = { root: manifest.root, depth: manifest.depth, chunks: manifest.chunks, size: manifest.size }

/** Chunks of a manifest in a row. */
const stretch = { first: index, count: integer(1, MAX_RECIPE_CHUNKS) }

const reference = {
  ...wholeManifest,
  ranges: list(record({ first: index, count: integer(1, MAX_REFERENCE_CHUNKS) }), 1, MAX_RANGES_PER_REFERENCE),
}

/** The messages that are one CBOR map each. What a field means is in docs/protocol.md. */
export const MESSAGE_FIELDS = {
  hello: {
    versions: list(integer(1, 0xffff), 1, 16),
    instance: bytes(INSTANCE_ID_BYTES),
    time: optional(integer(0, Number.MAX_SAFE_INTEGER)),
    abilities: optional(list(integer(1, 0xff), 0, MAX_ABILITIES)),
  },
  spaces: { spaces: list(record(space), 0, MAX_SPACES_PER_SESSION), device: optional(text(MAX_LABEL_BYTES)) },
  bye: { code: integer(0, 0xffff) },
  ping: { nonce: u32 },
  pong: { nonce: u32 },
  want: {
    request: u32,
    space: u32,
    ids: optional(bytes(32, 32 * MAX_IDS_PER_REQUEST, 32)),
    manifest: optional(record(manifest)),
    packBelow: optional(integer(1, Number.MAX_SAFE_INTEGER)),
  },
  digests: {
    space: u32,
    state: bytes(32),
    logs: bytes(0, LOG_DIGEST_BYTES * MAX_DIGESTS_PER_MESSAGE, LOG_DIGEST_BYTES),
    hasMore: bool,
  },
  wantLog: { space: u32, log, from: clock },
  logPart: { space: u32, log, from: clock, to: clock, end: clock, update: bytes(0, MAX_LOG_PART_BYTES) },
  absent: { request: u32, indexes: list(integer(0, MAX_IDS_PER_REQUEST - 1), 1, MAX_IDS_PER_REQUEST) },
  cancel: { request: u32 },
  progress: {
    space: u32,
    chunks: index,
    bytes: integer(0, Number.MAX_SAFE_INTEGER),
    isSettled: bool,
    digest: optional(bytes(32)),
  },
  askKept: { request: u32, space: u32, versions: list(record(fileVersion), 1, MAX_VERSIONS_PER_QUESTION) },
  kept: { request: u32, indexes: list(integer(0, MAX_VERSIONS_PER_QUESTION - 1), 0, MAX_VERSIONS_PER_QUESTION) },
  askOutline: { request: u32, space: u32, manifest: record(wholeManifest), ...stretch },
  outline: { request: u32, hooks: bytes(0, HOOK_BYTES * MAX_HOOKS, HOOK_BYTES) },
  askRecipe: {
    request: u32,
    space: u32,
    manifest: record(wholeManifest),
    ...stretch,
    references: list(record(reference), 1, MAX_REFERENCES),
  },
  recipe: { request: u32, steps: bytes(0, MAX_RECIPE_BYTES) },
  askEcho: {
    request: u32,
    pattern: integer(0, 0xff),
    seed: bytes(ECHO_SEED_BYTES),
    bytes: bytes(0, MAX_ECHO_BYTES),
  },
  echo: {
    request: u32,
    outcome: integer(0, 0xff),
    differsAt: optional(integer(0, MAX_ECHO_BYTES)),
    digests: bytes(0, MAX_ECHO_DIGESTS * CONTENT_DIGEST_BYTES, CONTENT_DIGEST_BYTES),
    bytes: bytes(0, MAX_ECHO_BYTES),
  },
} as const

type MapMessageName = keyof typeof MESSAGE_FIELDS
type MapMessage = {
  [Name in MapMessageName]: { readonly type: Name } & RecordOf<(typeof MESSAGE_FIELDS)[Name]>
}[MapMessageName]

export type HelloMessage = Extract<MapMessage, { type: 'hello' }>
export type SpacesMessage = Extract<MapMessage, { type: 'spaces' }>
export type WantMessage = Extract<MapMessage, { type: 'want' }>
export type DigestsMessage = Extract<MapMessage, { type: 'digests' }>
export type WantLogMessage = Extract<MapMessage, { type: 'wantLog' }>
export type LogPartMessage = Extract<MapMessage, { type: 'logPart' }>
export type AskKeptMessage = Extract<MapMessage, { type: 'askKept' }>
export type KeptMessage = Extract<MapMessage, { type: 'kept' }>
export type AskOutlineMessage = Extract<MapMessage, { type: 'askOutline' }>
export type OutlineMessage = Extract<MapMessage, { type: 'outline' }>
export type AskRecipeMessage = Extract<MapMessage, { type: 'askRecipe' }>
export type RecipeMessage = Extract<MapMessage, { type: 'recipe' }>
export type AskEchoMessage = Extract<MapMessage, { type: 'askEcho' }>
export type EchoMessage = Extract<MapMessage, { type: 'echo' }>
export type ProgressMessage = Extract<MapMessage, { type: 'progress' }>

/** A message of a type that this module does not read: pairing, statements, or one of a later version. */
export interface OtherMessage {
  readonly type: 'other'
  readonly number: number
  /** The whole payload, its type byte included. */
  readonly payload: Uint8Array
}

export type Message = MapMessage | ChunksMessage | PackedChunksMessage | MetadataMessage | OtherMessage

const CODECS = new Map<number, { name: MapMessageName; field: Field<unknown> }>(
  (Object.keys(MESSAGE_FIELDS) as MapMessageName[]).map((name) => [
    MESSAGE_TYPE[name],
    { name, field: record(MESSAGE_FIELDS[name]) },
  ]),
)

/**
 * @returns one frame's payload
 * @throws RangeError when a field is not of its format
 */
export function encodeMessage(message: MapMessage): Uint8Array {
  const number = MESSAGE_TYPE[message.type]
  checkWant(message, RangeError)
  checkPlaces(message, RangeError)
  const body = encodeCbor(CODECS.get(number)?.field.encode(message))
  const payload = new Uint8Array(1 + body.length)
  payload[0] = number
  payload.set(body, 1)
  if (payload.length > MAX_FRAME_BYTES) throw new RangeError('a message must fit in one frame')
  return payload
}

/**
 * Decodes one frame's payload, in time proportional to its length. Byte strings share its memory.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeMessage(payload: Uint8Array): Message {
  const number = payload[0]
  if (number === undefined) throw new DittoError('DITTO_PROTOCOL', 'The peer sent an empty message.')
  if (number === MESSAGE_TYPE.chunks) return decodeChunks(payload)
  if (number === MESSAGE_TYPE.packedChunks) return decodePackedChunks(payload)
  if (number === MESSAGE_TYPE.metadata) return decodeMetadata(payload)
  const codec = CODECS.get(number)
  if (codec === undefined) return { type: 'other', number, payload }
  const fields = codec.field.decode(decodeCbor(payload.subarray(1))) as object
  const message = { type: codec.name, ...fields } as MapMessage
  checkWant(message, ProtocolError)
  checkPlaces(message, ProtocolError)
  return message
}

class ProtocolError extends DittoError {
  constructor(message: string) {
    super('DITTO_PROTOCOL', `The peer sent a request that cannot be read: ${message}.`)
  }
}

/** What one field's format cannot say: a request names its chunks in one of two ways, and not too many of them. */
function checkWant(message: MapMessage, Refusal: new (message: string) => Error): void {
  if (message.type !== 'want') return
  if ((message.ids === undefined) === (message.manifest === undefined)) {
    throw new Refusal('it names chunks either by ID or by ranges of a manifest')
  }
  if (message.manifest === undefined) return
  let count = 0
  for (const range of message.manifest.ranges) {
    count += range.count
    if (range.first + range.count > message.manifest.chunks) throw new Refusal('a range ends behind the manifest')
  }
  if (count > MAX_IDS_PER_REQUEST) throw new Refusal(`it names more than ${MAX_IDS_PER_REQUEST} chunks`)
}

/** Places in manifests end with the manifest, and are not too many. */
function checkPlaces(message: MapMessage, Refusal: new (message: string) => Error): void {
  if (message.type !== 'askOutline' && message.type !== 'askRecipe') return
  if (message.first + message.count > message.manifest.chunks)
    throw new Refusal('it asks for what is behind the manifest')
  if (message.type === 'askOutline') return
  let count = 0
  for (const reference of message.references) {
    for (const range of reference.ranges) {
      count += range.count
      if (range.first + range.count > reference.chunks) throw new Refusal('a range ends behind the manifest')
    }
  }
  if (count > MAX_REFERENCE_CHUNKS) throw new Refusal(`it refers to more than ${MAX_REFERENCE_CHUNKS} chunks`)
}

/** How many chunks a request names; their indexes in answers count from 0 in the order named. */
export function wantedCount(want: WantMessage): number {
  if (want.ids !== undefined) return want.ids.length / 32
  let count = 0
  for (const range of want.manifest?.ranges ?? []) count += range.count
  return count
}
