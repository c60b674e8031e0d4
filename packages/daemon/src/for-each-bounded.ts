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
  const failures: unknown[] = []
  let running = 0
  let whenOneEnds = () => {}
  const start = async (item: T): Promise<void> => {
    running++
    try {
      await work(item)
    } catch (error) {
      failures.push(error)
    } finally {
      running--
      whenOneEnds()
    }
  }
  const oneEnds = () =>
    new Promise<void>((resolve) => {
      whenOneEnds = resolve
    })
  try {
    for await (const item of items) {
      options.signal?.throwIfAborted()
      if (failures.length > 0) break
      void start(item)
      while (running >= limit) await oneEnds()
    }
  } finally {
    while (running > 0) await oneEnds()
  }
  if (failures.length > 0) throw failures[0]
}
