import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatTable } from '../output/format-table.ts'
import { withDevice } from '../with-device.ts'

export function whyCommand(run: RunCommand): Command {
  const command = new Command('why')
    .summary('say what happened to a path, and why')
    .description(
      'Says what happened to a path of a live folder, in order: what was seen, what was decided and ' +
        'what was done; and of any path of a space whether its bytes are pinned or evicted here.',
    )
    .argument('<path>', 'a file or directory in a live folder, which need not exist any more, or of the space')
    .action((given: string) => run((context) => why(context, given)))
  return explain(command, {
    examples: [['dittofs why ~/Photos/cat.jpg', 'when it came or went, and why']],
    statuses: { notFound: 'the path is in no live folder, and nothing was decided about it' },
  })
}

async function why(context: CommandContext, given: string): Promise<undefined> {
  const entries = await withDevice(context, (device) =>
    device.folders.why(given, { directory: context.directory, signal: context.signal }),
  )
  await context.output.result(entries, () =>
    entries.length === 0
      ? ['Nothing is known of it.']
      : formatTable(
          entries.map(({ at, what, path: place, text }) => [
            new Date(at).toISOString().slice(0, 19).replace('T', ' '),
            what,
            escapeText(place),
            escapeText(text),
          ]),
        ),
  )
}
