import { ByteWriter } from './byte-writer.ts'
import type { Writer } from './event.ts'
import { isPageBreak, type LogRun, logName } from './log-run.ts'

/** How Yjs marks an item in an update (version 1 of its format): the kind of content and what stands before it. */
export const CONTENT_DELETED = 1
export const CONTENT_BINARY = 3
export const CONTENT_ANY = 8
export const HAS_ORIGIN = 0x80
/** In a list of values of any type, what follows is a text. */
export const ANY_TEXT = 119
/** The parent of the first item of a log is named, not referred to by an ID. */
export const PARENT_BY_NAME = 1

type WriteEntry = (writer: ByteWriter, entry: string) => void

/** The runs as an update in version 1 of Yjs' format, each writer at most once, with an empty delete set. */
export function encodeUpdate(runs: readonly LogRun[]): Uint8Array {
  return encodeRuns(runs, (writer, entry) => {
    writer.byte(ANY_TEXT)
    writer.text(entry)
  })
}

/**
 * The same without the entries, for a reader that is handed them: the very strings, where reading an update makes
 * copies.
 */
export function encodeOutline(runs: readonly LogRun[]): { readonly outline: Uint8Array; readonly entries: string[] } {
  const entries: string[] = []
  return { outline: encodeRuns(runs, (_, entry) => entries.push(entry)), entries }
}

function encodeRuns(runs: readonly LogRun[], writeEntry: WriteEntry): Uint8Array {
  const writer = new ByteWriter(4096)
  writer.varUint(runs.length)
  for (const run of runs) writeRun(writer, run, writeEntry)
  writer.varUint(0)
  return writer.finish()
}

/** An update that only deletes the entries given. Never sent: every device deletes by itself. */
export function encodeDeletions(deletions: ReadonlyMap<Writer, readonly number[]>): Uint8Array {
  const writer = new ByteWriter()
  writer.varUint(0)
  writer.varUint(deletions.size)
  for (const [log, clocks] of deletions) {
    writer.varUint(log)
    writer.varUint(clocks.length)
    for (const clock of clocks) {
      writer.varUint(clock)
      writer.varUint(1)
    }
  }
  return writer.finish()
}

function writeRun(writer: ByteWriter, run: LogRun, writeEntry: WriteEntry): void {
  const structs = splitRun(run)
  writer.varUint(structs.length)
  writer.varUint(run.writer)
  writer.varUint(run.clock)
  for (const { start, end, content } of structs) {
    const clock = run.clock + start
    writer.byte(content | (clock === 0 ? 0 : HAS_ORIGIN))
    if (clock === 0) {
      writer.varUint(PARENT_BY_NAME)
      writer.text(logName(run.writer))
    } else {
      writer.varUint(run.writer)
      writer.varUint(clock - 1)
    }
    if (content === CONTENT_BINARY) {
      writer.varUint(0)
    } else {
      writer.varUint(end - start)
      if (content === CONTENT_DELETED) continue
      for (let at = start; at < end; at += 1) writeEntry(writer, run.items[at] as string)
    }
  }
}

function splitRun(run: LogRun): { start: number; end: number; content: number }[] {
  const structs: { start: number; end: number; content: number }[] = []
  for (const [at, item] of run.items.entries()) {
    const content = isPageBreak(run.clock + at) ? CONTENT_BINARY : item === null ? CONTENT_DELETED : CONTENT_ANY
    const last = structs.at(-1)
    if (last !== undefined && last.content === content) last.end = at + 1
    else structs.push({ start: at, end: at + 1, content })
  }
  return structs
}
