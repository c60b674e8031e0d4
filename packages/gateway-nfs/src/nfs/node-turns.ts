import { keyOf, type Target } from './nfs-handle.ts'

/** Lets changes of one node happen one after another, in the order in which they were asked for. */
export class NodeTurns {
  /** The last change that was asked for of each node with one under way. They never reject. */
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `body` when every change of these nodes before it has ended; at once where there is none. */
  async take<T>(targets: readonly Target[], body: () => Promise<T>): Promise<T> {
    const keys = targets.map(keyOf)
    const before = keys.flatMap((key) => this.#last.get(key) ?? [])
    const running = before.length === 0 ? body() : Promise.all(before).then(body)
    const ended = running.then(
      () => undefined,
      () => undefined,
    )
    for (const key of keys) this.#last.set(key, ended)
    try {
      return await running
    } finally {
      for (const key of keys) if (this.#last.get(key) === ended) this.#last.delete(key)
    }
  }
}
