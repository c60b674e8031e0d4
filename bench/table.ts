/** One row of a benchmark's table: what was measured, beside what, in the same run. */
export interface BenchRow {
  readonly work: string
  readonly measured: string
  readonly baseline: string
  readonly ratio: string
  readonly aim: string
}

/** The median of at least one number; of an even count the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

/** The rows as a Markdown table. */
export function formatTable(rows: readonly BenchRow[]): string {
  const header = ['work', 'measured', 'beside it', 'ratio', 'aim']
  const lines = rows.map((row) => [row.work, row.measured, row.baseline, row.ratio, row.aim])
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
