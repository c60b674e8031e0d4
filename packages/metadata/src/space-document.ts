import { createDecoder, type Decoder } from 'lib0/decoding'
import * as Y from 'yjs'
import type { Writer } from './event.ts'
import { isPageBreak, type LogItem, type LogRun, logName } from './log-run.ts'
import { encodeDeletions, encodeOutline } from './update-writer.ts'

/** Says that a transaction is a peer's or the disk's, not this device's own. */
const FOREIGN = 'foreign'

/** Clocks from the first to before the second. */
export interface ClockRange {
  readonly start: number
  readonly end: number
}

/** For each log the clock behind its last item. */
export type StateVector = ReadonlyMap<Writer, number>

/** Takes entries from a list, in place of reading each from bytes. */
class OutlineDecoder extends Y.UpdateDecoderV1 {
  readonly #entries: readonly string[]
  #next = 0

  constructor(decoder: Decoder, entries: readonly string[]) {
    super(decoder)
    this.#entries = entries
  }

  override readAny(): string {
    this.#next += 1
    return this.#entries[this.#next - 1] as string
  }
}

/**
 * The Yjs document of a space: one array of entries a writer. It carries and orders entries, and knows nothing of
 * what they mean.
 */
export class SpaceDocument {
  readonly #doc = new Y.Doc({ gc: true })

  /** The clock behind the last item of a log, 0 for one that has not begun. */
  clockOf(writer: Writer): number {
    return Y.getState(this.#doc.store, writer)
  }

  stateVector(): StateVector {
    const vector = new Map<Writer, number>()
    for (const writer of this.#doc.store.clients.keys()) vector.set(writer, this.clockOf(writer))
    return vector
  }

  /** Takes runs that were checked: each continues its log. */
  apply(runs: readonly LogRun[]): void {
    const { outline, entries } = encodeOutline(runs)
    const decoder = createDecoder(outline)
    Y.readUpdateV2(decoder, this.#doc, FOREIGN, new OutlineDecoder(decoder, entries))
  }

  /**
   * Appends entries to the writer's own log, with page breaks.
   *
   * @returns the run they make
   */
  append(writer: Writer, entries: readonly string[]): LogRun {
    const clock = this.clockOf(writer)
    const items: LogItem[] = []
    for (const entry of entries) {
      if (isPageBreak(clock + items.length)) items.push(null)
      items.push(entry)
    }
    const pageBreak = new Uint8Array(0)
    // The document has the writer's ID during this call only: Yjs draws a new one, and says so on the console, when
    // it meets its own in what comes from elsewhere.
    const idle = this.#doc.clientID
    this.#doc.clientID = writer
    this.#doc.getArray<string | Uint8Array>(logName(writer)).push(items.map((item) => item ?? pageBreak))
    this.#doc.clientID = idle
    return { writer, clock, items }
  }

  /** Deletes entries that newer ones replaced, here only. */
  deleteEntries(entries: readonly { readonly writer: Writer; readonly clock: number }[]): void {
    if (entries.length === 0) return
    const byWriter = new Map<Writer, number[]>()
    for (const { writer, clock } of entries) {
      const clocks = byWriter.get(writer)
      if (clocks === undefined) byWriter.set(writer, [clock])
      else clocks.push(clock)
    }
    for (const clocks of byWriter.values()) clocks.sort((a, b) => a - b)
    Y.applyUpdate(this.#doc, encodeDeletions(byWriter), FOREIGN)
  }

  /** The items of a log from one clock to another, both within it. */
  items(writer: Writer, from: number, to: number): LogItem[] {
    const structs = this.#doc.store.clients.get(writer) ?? []
    const items: LogItem[] = []
    for (let at = structIndex(structs, from); at < structs.length; at += 1) {
      const struct = structs[at] as Y.Item | Y.GC
      if (struct.id.clock >= to) break
      const start = Math.max(from, struct.id.clock)
      const end = Math.min(to, struct.id.clock + struct.length)
      const texts = struct instanceof Y.Item && struct.content instanceof Y.ContentAny ? struct.content.arr : undefined
      for (let clock = start; clock < end; clock += 1) {
        items.push(texts === undefined ? null : (texts[clock - struct.id.clock] as string))
      }
    }
    return items
  }

  /** The entry at a clock of a log; `undefined` for a page break and for an entry that was deleted. */
  entryAt(writer: Writer, clock: number): string | undefined {
    return this.items(writer, clock, clock + 1)[0] ?? undefined
  }

  /** Where entries of a log were deleted, in order; no range meets the next, but for a page break between them. */
  deletedRanges(writer: Writer): ClockRange[] {
    const ranges: { start: number; end: number }[] = []
    for (const struct of this.#doc.store.clients.get(writer) ?? []) {
      if (!struct.deleted) continue
      const last = ranges.at(-1)
      const { clock } = struct.id
      if (last?.end === clock) last.end = clock + struct.length
      else ranges.push({ start: clock, end: clock + struct.length })
    }
    return ranges
  }

  destroy(): void {
    this.#doc.destroy()
  }
}

/** The last struct that begins at or before a clock. */
function structIndex(structs: readonly (Y.Item | Y.GC)[], clock: number): number {
  let low = 0
  let high = structs.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((structs[middle] as Y.Item | Y.GC).id.clock <= clock) low = middle
    else high = middle - 1
  }
  return low
}
