import { isAscii } from 'node:buffer'
import { DittoError, MAX_UPDATE_BYTES } from '@dittofs/interface'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { isPageBreak, type LogItem, type LogRun, logName, PAGE_ENTRIES } from './log-run.ts'
import { MAX_RECORD_BYTES } from './record-codec.ts'
import { ANY_TEXT, CONTENT_ANY, CONTENT_BINARY, CONTENT_DELETED, HAS_ORIGIN, PARENT_BY_NAME } from './update-writer.ts'

/** Characters of an entry: base64 of the longest record. */
const MAX_ENTRY_CHARACTERS = Math.ceil(MAX_RECORD_BYTES / 3) * 4
/** Nothing in a log stands at or above this clock. */
const MAX_CLOCK = 2 ** 48
const ITEMS_PER_STEP = 1000
/** Beyond this nobody reads another delete set entry: they carry nothing and are dropped. */
const MAX_LOGS = 65_536

/**
 * Reads an update as Yjs would, without Yjs, and takes only what this format makes: entries and page breaks, each in
 * its writer's own log, one after the other. Anything else refuses the whole update, because Yjs would apply the
 * part before the fault. The delete set is read and dropped: it carries no author, and no rule needs it.
 *
 * Work and memory are bounded by the bytes given, whatever counts they claim; runs in steps of about a millisecond.
 *
 * @throws DittoError DITTO_UPDATE_INVALID, DITTO_LIMIT
 */
export function* readUpdate(bytes: Uint8Array): Generator<void, LogRun[]> {
  if (bytes.length > MAX_UPDATE_BYTES) {
    throw new DittoError('DITTO_LIMIT', `An update of a space is at most ${MAX_UPDATE_BYTES} bytes long.`)
  }
  try {
    const reader = new ByteReader(bytes)
    const runs = yield* readRuns(reader)
    yield* skipDeleteSet(reader)
    if (!reader.isAtEnd) throw new MalformedBytes('bytes are left over')
    return runs
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new DittoError('DITTO_UPDATE_INVALID', `A device sent an update that cannot be right: ${error.message}.`)
  }
}

function* readRuns(reader: ByteReader): Generator<void, LogRun[]> {
  const count = reader.varUint()
  if (count > MAX_LOGS) throw new MalformedBytes('too many logs')
  const runs: LogRun[] = []
  const writers = new Set<number>()
  for (let index = 0; index < count; index += 1) {
    const structs = reader.varUint()
    const writer = reader.varUint()
    const clock = reader.varUint()
    if (structs === 0) throw new MalformedBytes('a log with nothing in it')
    if (writers.has(writer)) throw new MalformedBytes('a log comes twice')
    writers.add(writer)
    const items: LogItem[] = []
    for (let struct = 0; struct < structs; struct += 1) {
      readStruct(reader, writer, clock + items.length, items)
      if ((struct + 1) % ITEMS_PER_STEP === 0) yield
    }
    runs.push({ writer, clock, items })
    yield
  }
  return runs
}

function readStruct(reader: ByteReader, writer: number, clock: number, items: LogItem[]): void {
  const info = reader.byte()
  readPosition(reader, writer, clock, (info & HAS_ORIGIN) !== 0)
  const content = info & ~HAS_ORIGIN
  if (content === CONTENT_BINARY) {
    if (!isPageBreak(clock) || reader.varUint() !== 0) throw new MalformedBytes('a page break out of place')
    items.push(null)
    return
  }
  if (content !== CONTENT_ANY && content !== CONTENT_DELETED) throw new MalformedBytes('content that is no entry')
  const length = reader.varUint()
  const place = clock % (PAGE_ENTRIES + 1)
  if (length === 0 || place + length > PAGE_ENTRIES) throw new MalformedBytes('entries across a page break')
  if (clock + length > MAX_CLOCK) throw new MalformedBytes('a log that is too long')
  for (let at = 0; at < length; at += 1) items.push(content === CONTENT_DELETED ? null : readEntry(reader))
}

/** Only at the end of its writer's own log: behind the item before it, and before none. */
function readPosition(reader: ByteReader, writer: number, clock: number, hasOrigin: boolean): void {
  if (hasOrigin) {
    const isOwn = reader.varUint() === writer
    if (reader.varUint() !== clock - 1 || !isOwn) throw new MalformedBytes('an entry out of place')
  } else {
    if (clock !== 0 || reader.varUint() !== PARENT_BY_NAME || reader.text(16) !== logName(writer)) {
      throw new MalformedBytes('an entry outside of its own log')
    }
  }
}

function readEntry(reader: ByteReader): string {
  if (reader.byte() !== ANY_TEXT) throw new MalformedBytes('an entry that is no text')
  const length = reader.varUint()
  if (length === 0 || length > MAX_ENTRY_CHARACTERS) throw new MalformedBytes('an entry of impossible length')
  const bytes = reader.take(length)
  if (!isAscii(bytes)) throw new MalformedBytes('an entry that is not base64')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function* skipDeleteSet(reader: ByteReader): Generator<void, void> {
  const logs = reader.varUint()
  if (logs > MAX_LOGS) throw new MalformedBytes('too many logs in the delete set')
  for (let index = 0; index < logs; index += 1) {
    reader.varUint()
    const ranges = reader.varUint()
    for (let range = 0; range < ranges; range += 1) {
      reader.varUint()
      reader.varUint()
      if ((range + 1) % ITEMS_PER_STEP === 0) yield
    }
    yield
  }
}
