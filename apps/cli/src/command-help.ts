import type { Command } from 'commander'
import { EXIT_STATUSES } from './exit-status.ts'

export interface CommandHelp {
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, effect: string])[]
  /** What the exit statuses mean here, beside 0, 1 and 2, which every command has. */
  readonly statuses?: Partial<Readonly<Record<keyof typeof EXIT_STATUSES, string>>>
}

const helpOfCommand = new WeakMap<Command, CommandHelp>()

/** Statuses that every command has. */
const COMMON_STATUSES = { done: 'done', failed: 'failed', usage: 'wrong usage' } as const

/** Gives a command's help examples and exit statuses. */
export function explain(command: Command, help: CommandHelp): Command {
  helpOfCommand.set(command, help)
  return command.addHelpText('after', () => {
    const statuses = exitStatusesOf(command).map(([status, meaning]) => `  ${String(status).padEnd(3)} ${meaning}`)
    const width = Math.max(...help.examples.map(([line]) => line.length))
    const examples = help.examples.map(([line, effect]) => `  ${line.padEnd(width)}  ${effect}`)
    return `\nExamples:\n${examples.join('\n')}\n\nExit status:\n${statuses.join('\n')}`
  })
}

export function examplesOf(command: Command): CommandHelp['examples'] {
  return helpOfCommand.get(command)?.examples ?? []
}

/** The exit statuses of a command, smallest first, each with its meaning. */
export function exitStatusesOf(command: Command): readonly (readonly [status: number, meaning: string])[] {
  const meanings = { ...COMMON_STATUSES, ...helpOfCommand.get(command)?.statuses }
  return Object.entries(meanings)
    .map(([name, meaning]) => [EXIT_STATUSES[name as keyof typeof EXIT_STATUSES], meaning] as const)
    .sort(([a], [b]) => a - b)
}
