import { DittoError, MAX_UPDATE_BYTES } from '@dittofs/interface'
import * as encoding from 'lib0/encoding'
import { messageYjsSyncStep1, messageYjsSyncStep2, messageYjsUpdate } from 'y-protocols/sync'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { Writer } from './event.ts'
import type { LogItem, LogRun } from './log-run.ts'
import type { SpaceDocument, StateVector } from './space-document.ts'
import { encodeUpdate } from './update-writer.ts'

/** Messages of y-protocols' sync exchange. */
export type SyncMessage =
  | { readonly type: 'vector'; readonly vector: StateVector }
  | { readonly type: 'update'; readonly update: Uint8Array }

/** Items and characters of one update made here: a few milliseconds of work for whoever receives it. */
const ITEMS_PER_UPDATE = 1000
const CHARACTERS_PER_UPDATE = 512 * 1024
/** Logs that one vector may name. */
const MAX_VECTOR_LOGS = 65_536

/** Sync step 1: what this device holds. */
export function encodeVector(vector: StateVector): Uint8Array {
  const writer = new ByteWriter()
  writer.varUint(vector.size)
  for (const [log, clock] of [...vector].sort(([a], [b]) => b - a)) {
    writer.varUint(log)
    writer.varUint(clock)
  }
  return message(messageYjsSyncStep1, writer.finish())
}

/** An update as others get it. */
export function encodeUpdateMessage(update: Uint8Array): Uint8Array {
  return message(messageYjsUpdate, update)
}

/** @throws DittoError DITTO_UPDATE_INVALID, DITTO_LIMIT */
export function decodeMessage(bytes: Uint8Array): SyncMessage {
  if (bytes.length > MAX_UPDATE_BYTES) {
    throw new DittoError('DITTO_LIMIT', `A message about a space is at most ${MAX_UPDATE_BYTES} bytes long.`)
  }
  try {
    const reader = new ByteReader(bytes)
    const type = reader.varUint()
    const body = reader.take(reader.varUint())
    if (!reader.isAtEnd) throw new MalformedBytes('bytes are left over')
    if (type === messageYjsSyncStep1) return { type: 'vector', vector: readVector(new ByteReader(body)) }
    if (type !== messageYjsSyncStep2 && type !== messageYjsUpdate) throw new MalformedBytes('unknown type')
    return { type: 'update', update: body }
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new DittoError('DITTO_UPDATE_INVALID', `A device sent a message that cannot be right: ${error.message}.`)
  }
}

function readVector(reader: ByteReader): StateVector {
  const size = reader.varUint()
  if (size > MAX_VECTOR_LOGS) throw new MalformedBytes('too many logs')
  const vector = new Map<Writer, number>()
  for (let index = 0; index < size; index += 1) {
    const log = reader.varUint()
    if (vector.has(log)) throw new MalformedBytes('a log comes twice')
    vector.set(log, reader.varUint())
  }
  if (!reader.isAtEnd) throw new MalformedBytes('bytes are left over')
  return vector
}

/**
 * The answer to a vector: everything up to `to` that lies beyond it, in updates of bounded size, made as they are
 * asked for. The first is sync step 2, those after it are updates. Nothing where there is nothing to send.
 */
export function* answerVector(document: SpaceDocument, from: StateVector, to: StateVector): Generator<Uint8Array> {
  let type: number = messageYjsSyncStep2
  for (const runs of sliceLogs(document, from, to)) {
    yield message(type, encodeUpdate(runs))
    type = messageYjsUpdate
  }
}

/** The logs from one vector to another, cut into runs for updates of bounded size; each continues the one before. */
export function* sliceLogs(
  document: SpaceDocument,
  from: StateVector,
  to: StateVector,
  maxCharacters = CHARACTERS_PER_UPDATE,
): Generator<LogRun[]> {
  let runs: LogRun[] = []
  let items = 0
  let characters = 0
  for (const [writer, end] of to) {
    let start = from.get(writer) ?? 0
    while (start < end) {
      const candidates = document.items(writer, start, Math.min(end, start + ITEMS_PER_UPDATE - items))
      const taken = takeCharacters(candidates, maxCharacters - characters)
      runs.push({ writer, clock: start, items: taken.items })
      start += taken.items.length
      items += taken.items.length
      characters += taken.characters
      if (items >= ITEMS_PER_UPDATE || characters >= maxCharacters) {
        yield runs
        runs = []
        items = 0
        characters = 0
      }
    }
  }
  if (runs.length > 0) yield runs
}

/** As many items as reach the length, at least one. */
function takeCharacters(items: readonly LogItem[], limit: number): { items: readonly LogItem[]; characters: number } {
  let characters = 0
  for (const [at, item] of items.entries()) {
    characters += item?.length ?? 0
    if (characters >= limit) return { items: items.slice(0, at + 1), characters }
  }
  return { items, characters }
}

function message(type: number, body: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint8Array(encoder, body)
  return encoding.toUint8Array(encoder)
}
