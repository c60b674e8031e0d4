import type { AbortOptions } from './common.ts'
import type { ErrorCode } from './errors.ts'
import type { DeviceId } from './ids.ts'

/** How bad a {@link Finding} is. A `problem` keeps something from working; a `warning` may. */
export const FINDING_LEVELS = ['ok', 'warning', 'problem'] as const
export type FindingLevel = (typeof FINDING_LEVELS)[number]

/** One thing that a check found. */
export interface Finding {
  readonly level: FindingLevel
  /** One sentence: what is so and, where something is to be done, what. */
  readonly text: string
  /** What of a problem is told by the exit status; absent for most. */
  readonly code?: ErrorCode
}

/** One question that `dittofs doctor` asks of this machine. */
export interface Check {
  /** Lower case, one or two words, unique: `multicast`. */
  readonly name: string
  /** Milliseconds after which it waits for something that will not come; where absent, as long as is usual. */
  readonly timeoutMs?: number
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
  /** With `isIntegrityAsked`: ID of the device that they also go to and come back from; the only one where absent. */
  integrityDevice?: string
  /** Hex of the seed of their random part, as an earlier check told it. */
  integritySeed?: string
}

/** What came of known patterns that went to another device, through a store there and back. */
export interface PatternCheckResult {
  readonly device: { readonly id: DeviceId; readonly name: string }
  /** The transport they went over. */
  readonly link: string
  /** Hex of what the random ones were made from. */
  readonly seed: string
  readonly contents: number
  readonly bytes: number
  /** What differs, as phrases for a person; empty where all is well. */
  readonly faults: readonly string[]
}
