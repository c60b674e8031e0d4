type Key = Uint8Array
type Value = Uint8Array | undefined

interface Request {
  readonly keys: readonly Key[]
  readonly resolve: (values: Value[]) => void
  readonly reject: (reason: unknown) => void
}

/** Keys of one read, so that a small one never waits behind the keys of thousands. */
const MAX_JOINED_KEYS = 1024

/**
 * Joins reads that are asked for while one is under way into the next. Each read costs a thread switch, which takes far longer
 * than finding a key: many small files are placed side by side with a handful of reads of one key each.
 *
 * A read begins only after it was asked for, so it sees every write that was done by then.
 */
export class JoinedReads {
  readonly #read: (keys: readonly Key[]) => Promise<Value[]>
  #waiting: Request[] = []
  #isReading = false

  /** @param read - the values of keys, in their order */
  constructor(read: (keys: readonly Key[]) => Promise<Value[]>) {
    this.#read = read
  }

  /** @throws what `read` throws; a failed read fails only those that were asked for together */
  getMany(keys: readonly Key[]): Promise<Value[]> {
    if (keys.length >= MAX_JOINED_KEYS) return this.#read(keys)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject })
      if (!this.#isReading) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isReading = true
    while (this.#waiting.length > 0) {
      const requests = this.#next()
      try {
        const values = await this.#read(requests.flatMap(({ keys }) => keys))
        let at = 0
        for (const { keys, resolve } of requests) {
          resolve(values.slice(at, at + keys.length))
          at += keys.length
        }
      } catch (error) {
        for (const { reject } of requests) reject(error)
      }
    }
    this.#isReading = false
  }

  #next(): Request[] {
    let count = 0
    let keys = 0
    for (const request of this.#waiting) {
      keys += request.keys.length
      if (count > 0 && keys > MAX_JOINED_KEYS) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}
