import {
  type Clock,
  type DeviceKey,
  DittoError,
  type Logger,
  type MetadataChange,
  type MetadataStore,
  type Unsubscribe,
} from '@dittofs/interface'
import { databaseError } from '../database-error.ts'
import { type HistoryTable, historyKeys, put } from './history-database.ts'
import { type EventBatch, HistoryWriter } from './history-writer.ts'
import { missingVersions } from './missing-versions.ts'

export interface HistoryFeedInit {
  readonly store: MetadataStore
  readonly table: HistoryTable
  readonly device: DeviceKey
  readonly clock: Pick<Clock, 'now'>
  readonly logger: Logger
}

/** Events that wait to be written; past it the store is compared with the history instead. */
const MAX_WAITING_EVENTS = 50_000
/** Versions found by comparing that make change groups; where more are missing, a log of them helps nobody. */
const MAX_GROUPED_FINDS = 10_000

/**
 * Brings what a store tells into the history, in order, and compares the two where something may be missing: after a
 * stop that was not clean, after a change too large to be told, and when writing falls behind.
 *
 * The store is durable first, the history after it. A stop leaves a mark with the store's digest only when everything
 * was written; the mark goes before anything else is.
 */
export class HistoryFeed {
  readonly #init: HistoryFeedInit
  readonly #writer: HistoryWriter
  #waiting: EventBatch[] = []
  #waitingEvents = 0
  #isBehind = false
  #isEmpty = false
  /** The work under way and all asked for behind it. */
  #work: Promise<void> = Promise.resolve()
  #isWorking = false
  #state: 'new' | 'open' | 'closed' = 'new'
  #failure: unknown
  #unsubscribe: Unsubscribe = () => undefined

  constructor(init: HistoryFeedInit) {
    this.#init = init
    this.#writer = new HistoryWriter(init.table, init.device)
  }

  async open(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'open'
    const { store, table } = this.#init
    try {
      this.#isEmpty = await this.#writer.open()
      const mark = await table.get<string>(historyKeys.clean)
      await table.write([{ type: 'del', key: historyKeys.clean }])
      this.#unsubscribe = store.onChange((change) => this.#take(change))
      this.#isBehind = mark !== digestOf(store)
    } catch (error) {
      throw databaseError(error)
    }
    this.#start()
  }

  /** Resolves when all that has come is written. @throws DittoError DITTO_CLOSED, DITTO_IO */
  async settled(): Promise<void> {
    while (this.#isWorking) await this.#work
    if (this.#failure !== undefined) throw this.#failure
    if (this.#state !== 'open') throw new DittoError('DITTO_CLOSED', 'The history of this space is not open.')
  }

  /** Runs something while nothing is written. */
  exclusively<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#work.then(run)
    this.#isWorking = true
    this.#work = result.then(
      () => this.#drain(),
      () => this.#drain(),
    )
    return result
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const wasOpen = this.#state === 'open'
    while (this.#isWorking) await this.#work
    this.#state = 'closed'
    this.#unsubscribe()
    if (!wasOpen || this.#failure !== undefined) return
    const { store, table } = this.#init
    // In the same turn as the last look at what waits: the mark holds for exactly what is written.
    const mark = digestOf(store)
    await table.write([put(historyKeys.clean, mark)])
  }

  #take({ events, isLocal }: MetadataChange): void {
    if (this.#failure !== undefined) return
    if (events === undefined || this.#waitingEvents + events.length > MAX_WAITING_EVENTS) {
      this.#isBehind = true
    } else {
      this.#waiting.push({ events, isLocal, at: this.#init.clock.now(), isGrouped: true })
      this.#waitingEvents += events.length
    }
    this.#start()
  }

  #start(): void {
    if (this.#isWorking) return
    this.#isWorking = true
    this.#work = this.#drain()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#failure === undefined && (this.#waiting.length > 0 || this.#isBehind)) {
        const batches = this.#waiting
        this.#waiting = []
        this.#waitingEvents = 0
        if (batches.length > 0) await this.#writer.write(batches)
        else {
          this.#isBehind = false
          await this.#compare()
        }
      }
    } catch (error) {
      this.#failure = databaseError(error)
      this.#waiting = []
      this.#init.logger.error({ error, space: this.#init.store.space }, 'the history of a space could not be written')
    }
    this.#isWorking = false
  }

  async #compare(): Promise<void> {
    const { store, table, clock } = this.#init
    let found = 0
    for await (const events of missingVersions(store, table, this.#isEmpty)) {
      const isGrouped = !this.#isEmpty && found < MAX_GROUPED_FINDS
      found += events.length
      await this.#writer.write([{ events, isLocal: false, at: clock.now(), isGrouped }])
    }
    this.#isEmpty = false
  }
}

function digestOf(store: MetadataStore): string {
  return Buffer.from(store.digest()).toString('hex')
}
