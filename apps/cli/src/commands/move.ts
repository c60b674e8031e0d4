import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

export function moveCommand(run: RunCommand): Command {
  const command = new Command('mv')
    .summary('move or rename a file or directory of a space')
    .description(
      'Moves or renames a file or directory of a space. However much is below it, the other devices receive one small ' +
        'update and no content. Nothing outside of the space is touched.',
    )
    .argument('<from>', 'a file or directory of the space')
    .argument('<to>', 'its new path; nothing may be there')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((from: string, to: string, options: { space?: string }) =>
      run((context) => move(context, from, to, options)),
    )
  return explain(command, {
    examples: [['dittofs mv photos/2025 archive/2025', 'moves a directory; "archive" is made if it is missing']],
    statuses: { notFound: 'nothing is at the path' },
  })
}

async function move(
  context: CommandContext,
  from: string,
  to: string,
  options: { space?: string },
): Promise<undefined> {
  await withDevice(context, (device) => device.move(from, to, options))
  await context.output.result({ from, to }, () => [`Moved ${escapeText(from)} to ${escapeText(to)}.`])
}
