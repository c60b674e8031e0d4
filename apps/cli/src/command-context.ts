import type { DeviceAccess } from './device-access.ts'
import type { Output } from './output/output.ts'

/** @returns the line typed, without its end */
export type Ask = (question: string, signal: AbortSignal) => Promise<string>

/** What every command works with. */
export interface CommandContext {
  /** The device's home, absolute. */
  readonly home: string
  /** Where relative paths start, absolute. */
  readonly directory: string
  readonly output: Output
  readonly access: DeviceAccess
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  /** Asks the person at the terminal and gives one line; `undefined` where nobody can answer. */
  readonly ask: Ask | undefined
}

/** Runs the work of a command in its context; a number it gives is the exit status, 0 otherwise. */
export type RunCommand = (work: (context: CommandContext) => Promise<number | undefined>) => Promise<void>
