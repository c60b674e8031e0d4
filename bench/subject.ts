import type { BenchRow } from './table.ts'

/** A part of the table that can be run alone. */
export interface BenchSubject {
  readonly name: string
  /**
   * Measures once.
   *
   * @param directory - an empty directory of this run alone, removed afterwards
   * @returns one number for each thing measured; the medians over the runs make the rows
   */
  readonly measure: (directory: string) => Promise<Readonly<Record<string, number>>>
  readonly rows: (samples: Samples) => readonly BenchRow[]
}

/** What the runs of a subject gave. */
export interface Samples {
  /** The median over the runs. */
  readonly of: (key: string) => number
  /** The median over the runs of the quotient within a run. */
  readonly ratio: (key: string, beside: string) => number
  /** The largest over the runs. */
  readonly largest: (key: string) => number
}
