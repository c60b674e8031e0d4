import { setImmediate } from 'node:timers/promises'
import type { Clock, Durability } from '@dittofs/interface'

/** Longest that a caller waits for others to share its barrier with. */
const MAX_WAIT_MS = 100
/** Longest that a caller who asks for `full` waits for those who are writing just now. */
const MAX_FULL_WAIT_MS = 2
/** Turns of the event loop in which new callers may come, before a barrier begins for those who ask for `full`. */
const MAX_TURNS = 8
/** Written bytes and changed entries past which a barrier runs though nobody waits: so that the last one is short. */
const MAX_UNSYNCED_BYTES = 8 * 1024 * 1024
const MAX_PENDING_ENTRIES = 8192

/** One call that writes, from its beginning to the moment its bytes are durable. */
export class WriteOperation {
  /** Whether it has written, or found only in memory, something that must become durable. */
  isDirty = false
  /** Set when what it wrote was lost before it was durable. */
  failure: unknown
}

export interface GroupCommitInit {
  clock: Clock
  /** Makes durable all that was written when it is called. */
  commit: () => Promise<void>
  unsyncedBytes: () => number
  pendingEntries: () => number
}

interface Waiter {
  readonly operation: WriteOperation
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * Decides when a barrier runs, so that many callers share one: it costs two waits for the disk and the time of several
 * threads, whatever the number of those it serves. It runs when nobody is left who could join, and when the first has
 * waited MAX_WAIT_MS, or where one asks for `full` MAX_FULL_WAIT_MS. With `full` a turn of the event loop passes first:
 * those whose requests came at the same time begin to write in it. One barrier runs at a time.
 */
export class GroupCommit {
  readonly #init: GroupCommitInit
  readonly #active = new Set<WriteOperation>()
  #waiting: Waiter[] = []
  #isUrgent = false
  #isRunning = false
  #timer: { readonly over: AbortController; readonly isUrgent: boolean } | undefined
  /** Operations begun so far. */
  #begun = 0
  #isGathering = false

  constructor(init: GroupCommitInit) {
    this.#init = init
  }

  begin(): WriteOperation {
    const operation = new WriteOperation()
    this.#active.add(operation)
    this.#begun++
    return operation
  }

  /** Ends an operation: waits until it is as durable as asked. */
  async finish(operation: WriteOperation, durability: Durability): Promise<void> {
    if (operation.failure !== undefined || durability === 'none' || !operation.isDirty) {
      this.abandon(operation)
      if (operation.failure !== undefined) throw operation.failure
      return
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ operation, resolve, reject })
      if (durability === 'full') this.#isUrgent = true
      this.#consider()
    })
  }

  /** Ends an operation that failed or needs no barrier. */
  abandon(operation: WriteOperation): void {
    this.#active.delete(operation)
    this.#consider()
  }

  /** Called after writing: a barrier may be due. */
  onWritten(): void {
    this.#consider()
  }

  /** Makes everything written so far durable. */
  async flush(): Promise<void> {
    const operation = this.begin()
    operation.isDirty = true
    await this.finish(operation, 'full')
  }

  /** Tells all operations under way that what they wrote since the last barrier is lost. */
  fail(reason: unknown): void {
    for (const operation of this.#active) if (operation.isDirty) operation.failure = reason
  }

  #consider(): void {
    if (this.#isRunning) return
    const isAlone = this.#waiting.length >= this.#active.size
    const isDue =
      (this.#waiting.length > 0 && isAlone && !this.#isUrgent) ||
      this.#init.unsyncedBytes() >= MAX_UNSYNCED_BYTES ||
      this.#init.pendingEntries() >= MAX_PENDING_ENTRIES
    if (isDue) void this.#run()
    else if (this.#waiting.length === 0) return
    else if (this.#isUrgent && isAlone) void this.#gather()
    else if (this.#timer === undefined || (this.#isUrgent && !this.#timer.isUrgent)) void this.#wait()
  }

  /** Lets come who is about to, then runs the barrier, unless one of those still writes. */
  async #gather(): Promise<void> {
    if (this.#isGathering) return
    this.#isGathering = true
    for (let turn = 0, begun = -1; turn < MAX_TURNS && begun !== this.#begun; turn++) {
      begun = this.#begun
      await setImmediate()
    }
    this.#isGathering = false
    if (this.#isRunning || this.#waiting.length === 0) return
    if (this.#waiting.length >= this.#active.size) await this.#run()
    else this.#consider()
  }

  async #wait(): Promise<void> {
    this.#timer?.over.abort()
    const over = new AbortController()
    this.#timer = { over, isUrgent: this.#isUrgent }
    try {
      await this.#init.clock.sleep(this.#isUrgent ? MAX_FULL_WAIT_MS : MAX_WAIT_MS, { signal: over.signal })
    } catch {
      return // a barrier came first
    }
    this.#timer = undefined
    if (!this.#isRunning && this.#waiting.length > 0) await this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    this.#isUrgent = false
    this.#timer?.over.abort()
    this.#timer = undefined
    const served = this.#waiting
    this.#waiting = []
    try {
      await this.#init.commit()
    } catch (error) {
      this.fail(error)
    }
    this.#isRunning = false
    for (const { operation, resolve, reject } of served) {
      this.#active.delete(operation)
      if (operation.failure === undefined) resolve()
      else reject(operation.failure)
    }
    this.#consider()
  }
}
