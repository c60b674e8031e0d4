import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { DittoError } from '@dittofs/interface'
import { nodePath } from './changed-paths.ts'
import type { Writer } from './event.ts'
import { LogDigests } from './log-digests.ts'
import { isPageBreak, type LogRun } from './log-run.ts'
import type { NodeEvents } from './node-events.ts'
import type { NodeState } from './node-state.ts'
import { decodeRecord } from './record-codec.ts'
import { inSlices } from './slices.ts'
import { SpaceDocument, type StateVector } from './space-document.ts'
import { type LogEntry, type NodeSnapshot, SpaceIndex } from './space-index.ts'
import { type DeviceLabel, TreeView } from './tree-view.ts'

/** Items of a foreign log taken before others get a turn: two or three milliseconds. */
const ITEMS_PER_SLICE = 100

/** Items taken into the document alone before others get a turn. */
const ITEMS_PER_LOAD = 500

/** Items hashed in one step. */
const ITEMS_PER_STEP = 500

/** The document of a space with what it means: the entries in Yjs, their index, their digests and their view. */
export class SpaceReplica {
  readonly document = new SpaceDocument()
  readonly index = new SpaceIndex()
  readonly view: TreeView
  readonly #digests = new LogDigests()

  constructor(deviceLabel: DeviceLabel) {
    this.view = new TreeView(this.index, deviceLabel)
  }

  /**
   * Takes runs that were checked: each begins where its log ends. Others get a turn between slices.
   *
   * @param events - is told of each entry before it takes effect
   * @returns the nodes touched, with the path each stood at before; `undefined` when more than `limit` were
   */
  async integrate(
    runs: readonly LogRun[],
    limit = 0,
    events?: NodeEvents,
  ): Promise<ReadonlyMap<NodeState, string | undefined> | undefined> {
    const before = new Map<NodeState, string | undefined>()
    let isMore = false
    const remember = ({ node }: NodeSnapshot) => {
      if (before.has(node)) return
      if (before.size < limit) before.set(node, nodePath(this.index, node))
      else isMore = true
    }
    for (const { writer, clock, items } of runs) {
      for (let at = 0; at < items.length; at += ITEMS_PER_SLICE) {
        const slice = { writer, clock: clock + at, items: items.slice(at, at + ITEMS_PER_SLICE) }
        this.document.apply([slice])
        await this.#read(writer, slice.clock, slice.clock + slice.items.length, remember, events)
      }
    }
    return isMore ? undefined : before
  }

  /** Reads what the document holds beyond a vector into the index, after it was taken into the document alone. */
  async readBeyond(known: StateVector): Promise<void> {
    for (const [writer, end] of this.document.stateVector()) {
      for (let from = known.get(writer) ?? 0; from < end; from += ITEMS_PER_SLICE) {
        await this.#read(writer, from, Math.min(end, from + ITEMS_PER_SLICE))
      }
    }
  }

  /** Takes runs that were checked into the document alone, in a few milliseconds a slice. */
  async load(runs: readonly LogRun[]): Promise<void> {
    for (const { writer, clock, items } of runs) {
      for (let at = 0; at < items.length; at += ITEMS_PER_LOAD) {
        this.document.apply([{ writer, clock: clock + at, items: items.slice(at, at + ITEMS_PER_LOAD) }])
        await setImmediate()
      }
    }
  }

  /** Reads a slice of a log, as the document holds it: so the index refers to the same strings. */
  async #read(
    writer: Writer,
    from: number,
    to: number,
    remember?: (snapshot: NodeSnapshot) => void,
    events?: NodeEvents,
  ): Promise<void> {
    const slice = { writer, clock: from, items: this.document.items(writer, from, to) }
    await inSlices(this.countRun(slice))
    const entries = [...entriesOf(slice)]
    events?.take(entries)
    const { superseded } = this.index.add(entries, remember)
    this.dropSuperseded(superseded)
    await setImmediate()
  }

  /** The sums of hashes of one log's entries, as {@link restoreLogSums} takes them. */
  logSums(writer: Writer): Uint32Array | undefined {
    return this.#digests.sumsOf(writer)
  }

  restoreLogSums(writer: Writer, sums: Uint32Array): void {
    this.#digests.restore(writer, sums)
  }

  /** Counts a run of the document into its log's digest, in steps. */
  *countRun({ writer, clock, items }: LogRun): Generator<void, void> {
    for (const [at, item] of items.entries()) {
      if (item !== null) this.#digests.add(writer, clock + at, item)
      if ((at + 1) % ITEMS_PER_STEP === 0) yield
    }
  }

  /** Deletes entries that newer ones of the same writer replaced. */
  dropSuperseded(superseded: readonly { readonly writer: Writer; readonly clock: number }[]): void {
    for (const { writer, clock } of superseded) {
      const [entry] = this.document.items(writer, clock, clock + 1)
      if (typeof entry === 'string') this.#digests.remove(writer, clock, entry)
    }
    this.document.deleteEntries(superseded)
  }

  /** 32 bytes over the entries held and what they show. */
  digest(): Uint8Array {
    const { hashes } = this.view.summaries.of(this.view.root).totals
    return createHash('sha256')
      .update('dittofs digest v1\0')
      .update(this.#digests.summary())
      .update(hashes.join())
      .digest()
  }

  /** The digest of each log, in order of their writers. */
  logDigests(): { readonly log: Writer; readonly digest: Uint8Array }[] {
    return this.#digests.all()
  }

  /**
   * Cuts off what is held already.
   *
   * @throws DittoError DITTO_STORE_CORRUPT where something is missing before a run
   */
  trim(run: LogRun): LogRun | undefined {
    const held = this.document.clockOf(run.writer)
    if (run.clock > held) {
      throw new DittoError(
        'DITTO_STORE_CORRUPT',
        'A part of the metadata of this space is missing on disk; move it away and sync again from another device.',
      )
    }
    const items = run.items.slice(held - run.clock)
    return items.length === 0 ? undefined : { writer: run.writer, clock: held, items }
  }
}

function* entriesOf({ writer, clock, items }: LogRun): Generator<LogEntry> {
  for (const [at, item] of items.entries()) {
    if (item !== null) yield { writer, clock: clock + at, record: decodeRecord(item), text: item }
  }
}

/** The clocks that entries appended at `clock` get, page breaks left out. */
export function* entryClocks(clock: number): Generator<number, never> {
  for (let next = clock; ; next += 1) if (!isPageBreak(next)) yield next
}
