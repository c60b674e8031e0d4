import type { Writer } from './event.ts'

/**
 * Entries between two page breaks. Yjs joins neighbouring entries into one array and copies it with every append; a
 * break keeps that array short. @see docs/metadata.md#logs
 */
export const PAGE_ENTRIES = 512

/** What stands at one clock of a log: an entry, or `null` for a page break and for an entry that was deleted. */
export type LogItem = string | null

/** Consecutive items of one log. */
export interface LogRun {
  readonly writer: Writer
  /** Clock of the first item. */
  readonly clock: number
  readonly items: readonly LogItem[]
}

/** Whether a page break stands at this clock, in every log. */
export function isPageBreak(clock: number): boolean {
  return clock % (PAGE_ENTRIES + 1) === PAGE_ENTRIES
}

/** The name of a writer's log in the document. */
export function logName(writer: Writer): string {
  return writer.toString(36)
}
