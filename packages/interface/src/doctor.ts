import type { AbortOptions } from './common.ts'

/** How bad a {@link Finding} is. A `problem` keeps something from working; a `warning` may. */
export const FINDING_LEVELS = ['ok', 'warning', 'problem'] as const
export type FindingLevel = (typeof FINDING_LEVELS)[number]

/** One thing that a check found. */
export interface Finding {
  readonly level: FindingLevel
  /** One sentence: what is so and, where something is to be done, what. */
  readonly text: string
}

/** One question that `dittofs doctor` asks of this machine. */
export interface Check {
  /** Lower case, one or two words, unique: `multicast`. */
  readonly name: string
  /** Changes nothing that lasts. What it throws is reported as a problem of the check. */
  run(): Promise<Finding[]>
}

/** A finding, and the check that made it. */
export interface CheckedFinding extends Finding {
  readonly check: string
}

/** What is looked at beside what always is. */
export interface ExamineOptions extends AbortOptions {
  /** Whether known patterns are to be stored, read back and compared as well, in a store of their own. Default no. */
  isIntegrityAsked?: boolean
}
