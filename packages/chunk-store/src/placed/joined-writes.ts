import type { IndexDatabase, IndexWrite } from '../index-database.ts'

interface Request {
  readonly writes: readonly IndexWrite[]
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Joins writes that are asked for while one is under way into the next: each write waits for the disk. */
export class JoinedWrites {
  readonly #database: IndexDatabase
  #waiting: Request[] = []
  #isWriting = false

  constructor(database: IndexDatabase) {
    this.#database = database
  }

  /** On stable storage when it returns, all of it or nothing. Writes asked for together must not name the same key. */
  write(writes: readonly IndexWrite[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ writes, resolve, reject })
      if (!this.#isWriting) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const requests = this.#waiting
      this.#waiting = []
      try {
        await this.#database.write(requests.flatMap(({ writes }) => writes))
        for (const { resolve } of requests) resolve()
      } catch (error) {
        for (const { reject } of requests) reject(error)
      }
    }
    this.#isWriting = false
  }
}
