import type { Clock, Durability } from '@dittofs/interface'

/** Longest that a caller waits for others to share its barrier with. */
const MAX_WAIT_MS = 100
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
 * Decides when a barrier runs, so that many callers share one: at once when a caller asks for `full` or when nobody
 * is left who could join, otherwise when the first has waited MAX_WAIT_MS. One barrier runs at a time.
 */
export class GroupCommit {
  readonly #init: GroupCommitInit
  readonly #active = new Set<WriteOperation>()
  #waiting: Waiter[] = []
  #isUrgent = false
  #isRunning = false
  #timer: AbortController | undefined

  constructor(init: GroupCommitInit) {
    this.#init = init
  }

  begin(): WriteOperation {
    const operation = new WriteOperation()
    this.#active.add(operation)
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
    const isDue =
      this.#isUrgent ||
      (this.#waiting.length > 0 && this.#waiting.length >= this.#active.size) ||
      this.#init.unsyncedBytes() >= MAX_UNSYNCED_BYTES ||
      this.#init.pendingEntries() >= MAX_PENDING_ENTRIES
    if (isDue) void this.#run()
    else if (this.#waiting.length > 0 && this.#timer === undefined) void this.#wait()
  }

  async #wait(): Promise<void> {
    const timer = new AbortController()
    this.#timer = timer
    try {
      await this.#init.clock.sleep(MAX_WAIT_MS, { signal: timer.signal })
    } catch {
      return // a barrier came first
    }
    this.#timer = undefined
    if (!this.#isRunning && this.#waiting.length > 0) await this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    this.#isUrgent = false
    this.#timer?.abort()
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
