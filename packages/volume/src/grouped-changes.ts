import type { Action, MetadataStore, TreeEntry } from '@dittofs/interface'

/** Changes of one transaction at most: some milliseconds of planning, in slices. */
const MAX_GROUPED = 256

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
 * Makes changes in the order in which they were asked for. Those that are asked for while a transaction is under way, and
 * do not meet each other, share the next one: the disk is waited for once. Each is durable when its call returns, and one
 * that fails takes no other with it.
 */
export class GroupedChanges {
  readonly #metadata: Pick<MetadataStore, 'transact'>
  #waiting: Waiting[] = []
  #isRunning = false

  constructor(metadata: Pick<MetadataStore, 'transact'>) {
    this.#metadata = metadata
  }

  /** @returns for each action of the plan the entry it left shown */
  change({ touches, plan }: PlannedChange): Promise<(TreeEntry | undefined)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ touches, plan, resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) await this.#transact(MAX_GROUPED)
    this.#isRunning = false
  }

  async #transact(limit: number): Promise<void> {
    let taken: Taken[] = []
    try {
      const shown = await this.#metadata.transact(() => {
        const actions: Action[] = []
        taken = this.#take(limit, actions)
        return actions
      })
      for (const { change, start, count } of taken) change.resolve(shown.slice(start, start + count))
    } catch (error) {
      if (taken.length === 0) return this.#waiting.shift()?.reject(error)
      const [only] = taken
      if (only !== undefined && taken.length === 1) return only.change.reject(error)
      // Which of them it was cannot be told: each has a transaction of its own.
      this.#waiting.unshift(...taken.map(({ change }) => change))
      for (const _ of taken) await this.#transact(1)
    }
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
