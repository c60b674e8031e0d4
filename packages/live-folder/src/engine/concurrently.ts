/** Runs `work` on each item, at most `limit` at once, and waits for all. @throws the first error, after all ended */
export async function concurrently<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  let next = 0
  const run = async () => {
    while (next < items.length && failures.length === 0) {
      const item = items[next] as T
      next += 1
      try {
        await work(item)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, run))
  if (failures.length > 0) throw failures[0]
}
