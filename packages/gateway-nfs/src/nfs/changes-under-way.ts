import { keyOf, type Target } from './nfs-handle.ts'

interface Running {
  count: number
  /** How many began since none was under way. */
  begun: number
}

/** What a change learns of others that were made beside it. */
export interface Company {
  /** Whether no other change of the same nodes was under way at any time since this one began. */
  wasAlone(): boolean
  /** Whether none is now. */
  isAlone(): boolean
}

/** Which nodes are being changed over NFS, by changes that may run side by side. */
export class ChangesUnderWay {
  readonly #running = new Map<string, Running>()

  async watch<T>(targets: readonly Target[], body: (company: Company) => Promise<T>): Promise<T> {
    const keys = [...new Set(targets.map(keyOf))]
    const all = keys.map((key) => {
      const running = this.#running.get(key) ?? { count: 0, begun: 0 }
      this.#running.set(key, running)
      running.count++
      running.begun++
      return running
    })
    const begun = all.map((running) => running.begun)
    const isFirst = all.every(({ count }) => count === 1)
    try {
      return await body({
        wasAlone: () => isFirst && all.every((running, index) => running.begun === begun[index]),
        isAlone: () => all.every(({ count }) => count === 1),
      })
    } finally {
      for (const [index, running] of all.entries()) {
        running.count--
        if (running.count === 0) this.#running.delete(keys[index] as string)
      }
    }
  }
}
