import path from 'node:path'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { withDevice } from '../with-device.ts'

export function ignoredCommand(run: RunCommand): Command {
  const command = new Command('ignored')
    .summary('show what the ignore files of a live folder leave out')
    .description(
      'Shows what a live folder leaves out because of its .dittoignore (patterns as in .gitignore; the file itself is ' +
        'synced), and which line does it. With --pattern, what that pattern would leave out.',
    )
    .argument('<directory>', 'a live folder')
    .option('--pattern <pattern>', 'a pattern to try; nothing is changed')
    .action((directory: string, options: { pattern?: string }) =>
      run((context) => ignored(context, directory, options)),
    )
  return explain(command, {
    examples: [
      ['dittofs ignored ~/Work', 'what is left out now'],
      ['dittofs ignored ~/Work --pattern "*.o"', 'what "*.o" would leave out'],
    ],
    statuses: { notFound: 'it is no live folder' },
  })
}

async function ignored(context: CommandContext, given: string, options: { pattern?: string }): Promise<undefined> {
  const directory = path.resolve(context.directory, given)
  const { signal } = context
  const paths = await withDevice(context, (device) => device.folders.ignored(directory, { ...options, signal }))
  await context.output.result(paths, () =>
    paths.map(({ path: place, isDirectory, pattern, file, line }) => {
      const source = file === undefined ? '' : `, ${escapeText(file)}:${line ?? 0}`
      return `${escapeText(place)}${isDirectory ? '/' : ''}  (${escapeText(pattern)}${source})`
    }),
  )
}
