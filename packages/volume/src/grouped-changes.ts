import { setImmediate } from 'node:timers/promises'
import type { Action, MetadataStore, TreeEntry } from '@dittofs/interface'

/** Changes of one transaction at most: some milliseconds of planning, in slices. */
const MAX_GROUPED = 256

/** How long a transaction waits at most for as many changes as the last one had. */
const GATHERING_MS = 1

/** A change of the tree, made of what the tree shows when its turn comes. */
export interface PlannedChange {
  /**
   * What it looks at and changes, by names of any kind: one that meets the same name as a change before it waits for that
   * one. `undefined`: it looks at more than can be told, and has a transaction of its own.
   */
  readonly touches: () => readonly string[] | undefined
  /** Called perhaps more than once, each time when nothing else can change the tree until it was applied. */
  readonly plan: () => readonly Action[]
}

interface Waiting extends PlannedChange {
  readonly resolve: (shown: (TreeEntry | undefined)[]) => void
  readonly reject: (error: unknown) => void
}

interface Taken {
  readonly change: Waiting
  /** Where its actions begin among those of the transaction, and how many they are. */
  readonly start: number
  readonly count: number
}

/**
 * Makes changes in the order in which they were asked for. Those that are asked for at once, or while a transaction is under
 * way, and do not meet each other, share the next one: the disk is waited for once. Each is durable when its call returns, and one
 * that fails takes no other with it.
 */
export class GroupedChanges {
  readonly #metadata: Pick<MetadataStore, 'transact'>
  readonly #onFailure: () => void
  #waiting: Waiting[] = []
  #isRunning = false
  /** Changes of the last transaction. */
  #lastCount = 0
  #onWaiting: (() => void) | undefined

  /** @param onFailure - called where changes were applied in memory, seen perhaps, and taken back */
  constructor(metadata: Pick<MetadataStore, 'transact'>, onFailure: () => void = () => undefined) {
    this.#metadata = metadata
    this.#onFailure = onFailure
  }

  /** @returns for each action of the plan the entry it left shown */
  change({ touches, plan }: PlannedChange): Promise<(TreeEntry | undefined)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ touches, plan, resolve, reject })
      this.#onWaiting?.()
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      await this.#gather()
      this.#lastCount = await this.#transact(MAX_GROUPED)
    }
    this.#isRunning = false
  }

  /**
   * Waits for what comes in this turn of the event loop. Who got their answers together ask again together, but that arrives
   * over a while: where the last transaction had several changes, as many are waited for, for less time than it costs to
   * bring one of them to disk by itself.
   */
  async #gather(): Promise<void> {
    await setImmediate()
    if (this.#waiting.length >= this.#lastCount) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHERING_MS)
      this.#onWaiting = () => {
        if (this.#waiting.length < this.#lastCount) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#onWaiting = undefined
  }

  /** @returns how many changes it had */
  async #transact(limit: number): Promise<number> {
    let taken: Taken[] = []
    try {
      const shown = await this.#metadata.transact(() => {
        const actions: Action[] = []
        taken = this.#take(limit, actions)
        return actions
      })
      for (const { change, start, count } of taken) change.resolve(shown.slice(start, start + count))
    } catch (error) {
      const [only] = taken
      if (only === undefined) this.#waiting.shift()?.reject(error)
      else this.#onFailure()
      if (only !== undefined && taken.length === 1) only.change.reject(error)
      if (taken.length > 1) {
        // Which of them it was cannot be told: each has a transaction of its own.
        this.#waiting.unshift(...taken.map(({ change }) => change))
        for (const _ of taken) await this.#transact(1)
      }
    }
    return taken.length
  }

  /** Plans those that wait, up to the first that has to wait longer; what cannot be planned is told so at once. */
  #take(limit: number, actions: Action[]): Taken[] {
    const taken: Taken[] = []
    const met = new Set<string>()
    while (taken.length < limit) {
      const [change] = this.#waiting
      if (change === undefined) break
      try {
        const touches = change.touches()
        if (taken.length > 0 && (touches === undefined || touches.some((name) => met.has(name)))) break
        const planned = change.plan()
        this.#waiting.shift()
        taken.push({ change, start: actions.length, count: planned.length })
        actions.push(...planned)
        if (touches === undefined) break
        for (const name of touches) met.add(name)
      } catch (error) {
        this.#waiting.shift()
        change.reject(error)
      }
    }
    return taken
  }
}
