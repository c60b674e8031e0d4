import path from 'node:path'
import type { PlannedStep } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

export function planCommand(run: RunCommand): Command {
  const command = new Command('plan')
    .summary('show what a sync of a live folder would do now')
    .description(
      'Shows what a sync of a live folder would do now, in order, and changes nothing. An arrow to the right is told to ' +
        'other devices, one to the left is done in the folder.',
    )
    .argument('[directory]', 'a live folder; all of them when absent')
    .action((directory?: string) => run((context) => plan(context, directory)))
  return explain(command, {
    examples: [['dittofs plan ~/Photos', 'before "dittofs resume --accept"']],
    statuses: { notFound: 'it is no live folder' },
  })
}

async function plan(context: CommandContext, given: string | undefined): Promise<undefined> {
  const directory = given === undefined ? undefined : path.resolve(context.directory, given)
  const { signal } = context
  const steps = await withDevice(context, (device) => device.folders.plan(directory, { signal }))
  await context.output.result(steps, () => (steps.length === 0 ? ['Nothing to do.'] : steps.map(describeStep)))
}

function describeStep({ direction, what, path: at, from, kind, isWaiting, isUntaken }: PlannedStep): string {
  const name = escapeText(at) + (kind === 'directory' ? '/' : '')
  const moved = from === undefined ? name : `${escapeText(from)} -> ${name}`
  const remark =
    isUntaken === true
      ? '  (not taken: this folder only sends)'
      : isWaiting === true
        ? '  (its content has to come first)'
        : ''
  return `${direction === 'out' ? '->' : '<-'} ${what.padEnd(10)} ${moved}${remark}`
}
