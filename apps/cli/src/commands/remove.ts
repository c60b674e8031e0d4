import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

export function removeCommand(run: RunCommand): Command {
  const command = new Command('rm')
    .summary('remove a file or directory from a space')
    .description(
      'Removes a file, or a directory with everything below it, from a space, on all its devices. A file that another ' +
        'device has changed meanwhile stays. Nothing outside of the space is touched.',
    )
    .argument('<path>', 'a file or directory of the space')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: { space?: string }) => run((context) => remove(context, path, options)))
  return explain(command, {
    examples: [['dittofs rm photos/blurred.jpg', 'removes one file']],
    statuses: { notFound: 'nothing is at the path' },
  })
}

async function remove(context: CommandContext, path: string, options: { space?: string }): Promise<undefined> {
  await withDevice(context, (device) => device.remove(path, options))
  await context.output.result({ path }, () => [`Removed ${escapeText(path)}.`])
}
