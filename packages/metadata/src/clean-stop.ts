import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { Writer } from './event.ts'

/** What a store leaves behind when it is closed whole: the log it appended to, and how far. */
export function encodeWriterMark(writer: Writer, clock: number): Uint8Array {
  const bytes = new ByteWriter(16)
  bytes.varUint(writer)
  bytes.varUint(clock)
  return bytes.finish()
}

/** The writer to go on as; `undefined` unless the log ends exactly where the mark says. */
export function decodeWriterMark(
  mark: Uint8Array | undefined,
  clockOf: (writer: Writer) => number,
): Writer | undefined {
  if (mark === undefined) return undefined
  try {
    const reader = new ByteReader(mark)
    const writer = reader.varUint()
    const clock = reader.varUint()
    return reader.isAtEnd && clock > 0 && clockOf(writer) === clock ? writer : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
