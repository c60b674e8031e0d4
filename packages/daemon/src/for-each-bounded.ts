import type { AbortOptions } from '@dittofs/interface'

/**
 * Runs `work` for each item, at most `limit` at a time. After a failure or an abort it takes no further item, waits for
 * what is running and rejects with the first reason.
 */
export async function forEachBounded<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
  options: AbortOptions = {},
): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  const start = (item: T) => {
    const task = work(item)
      .catch((error: unknown) => {
        failures.push(error)
      })
      .finally(() => running.delete(task))
    running.add(task)
  }
  try {
    for await (const item of items) {
      options.signal?.throwIfAborted()
      if (failures.length > 0) break
      start(item)
      if (running.size >= limit) await Promise.race(running)
    }
  } finally {
    await Promise.all(running)
  }
  if (failures.length > 0) throw failures[0]
}
