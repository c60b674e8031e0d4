import type { Command } from 'commander'
import { examplesOf, exitStatusesOf } from '../../src/command-help.ts'

/** What docs/cli.md says of one command: usage, description, arguments, options, examples, exit statuses. */
export function renderCommand(command: Command): string {
  const help = command.createHelp()
  const words: string[] = []
  for (let at: Command | null = command; at?.parent; at = at.parent) words.unshift(at.name())
  return [
    `\`dittofs ${[...words, command.usage()].join(' ')}\``,
    command.description(),
    table(
      'argument',
      command.registeredArguments.map((argument) => [argument.name(), help.argumentDescription(argument)]),
    ),
    table(
      'option',
      command.options.map((option) => [option.flags, help.optionDescription(option)]),
    ),
    ['```', ...examplesOf(command).map(([line, effect]) => `${line.padEnd(44)} # ${effect}`), '```'].join('\n'),
    `Exit status: ${exitStatusesOf(command)
      .map(([status, meaning]) => `${status} ${meaning}`)
      .join('; ')}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return ''
  return [`| ${title} | |`, '|---|---|', ...rows.map(([name, text]) => `| \`${name}\` | ${text} |`)].join('\n')
}
