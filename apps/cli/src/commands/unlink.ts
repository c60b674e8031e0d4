import path from 'node:path'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

export function unlinkCommand(run: RunCommand): Command {
  const command = new Command('unlink')
    .summary('make a live folder an ordinary directory again')
    .description(
      'Stops keeping a live folder in step. Its files stay, in the directory and in the space; content that was only in ' +
        'the directory is copied into the store first.',
    )
    .argument('<directory>', 'a live folder')
    .action((directory: string) => run((context) => unlink(context, directory)))
  return explain(command, {
    examples: [['dittofs unlink ~/Photos', 'nothing is deleted']],
    statuses: { notFound: 'it is no live folder' },
  })
}

async function unlink(context: CommandContext, given: string): Promise<undefined> {
  const directory = path.resolve(context.directory, given)
  const folder = await withDevice(context, (device) => device.folders.unlink(directory))
  await context.output.result(folder, () => [
    `${escapeText(folder.directory)} is an ordinary directory again; its files are all there.`,
  ])
}
