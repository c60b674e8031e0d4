import path from 'node:path'
import type { AddResult } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

interface AddCommandOptions {
  as?: string
  space?: string
  replace?: boolean
}

export function addCommand(run: RunCommand): Command {
  const command = new Command('add')
    .summary('add files and directories to a space')
    .description(
      'Adds files, or whole directories with their modes, times, symlinks and empty directories. In the space they ' +
        'have their base name, or the path given by --as. Adding the same content again costs nothing; adding a ' +
        'changed file again makes a new version of it. The originals are only read.',
    )
    .argument('<path...>', 'files and directories of this machine')
    .option('--as <path>', 'path in the space, for exactly one file or directory')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--replace', 'make a new version of the file at that path even if it was added from elsewhere')
    .action((paths: string[], options: AddCommandOptions) => run((context) => add(context, paths, options)))
  return explain(command, {
    examples: [
      ['dittofs add holiday', 'adds a directory as "holiday"'],
      ['dittofs add notes.txt --as texts/notes.txt', 'adds a file under another path'],
    ],
    statuses: { failed: 'failed, or something was left out', notFound: 'a file does not exist' },
  })
}

async function add(context: CommandContext, paths: string[], options: AddCommandOptions): Promise<number> {
  const sources = paths.map((given) => path.resolve(context.directory, given))
  const result = await withDevice(context, (device) =>
    withProgress(context, (progress) => device.add(sources, { ...options, ...progress })),
  )
  noteSkipped(context.output, 'left out', result.skipped)
  await context.output.result(result, () => describeAdded(result))
  return result.skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

function describeAdded(result: AddResult): string[] {
  const others = [
    ...(result.directories > 0 ? [countOf(result.directories, 'directory', 'directories')] : []),
    ...(result.symlinks > 0 ? [countOf(result.symlinks, 'symlink')] : []),
    ...(result.unchanged > 0 ? [`${countOf(result.unchanged, 'file')} unchanged`] : []),
  ]
  return [
    [`Added ${countOf(result.files, 'file')} (${formatBytes(result.bytes)})`, ...others].join(', ') +
      `; new: ${countOf(result.newChunks, 'chunk')}, ${formatBytes(result.newBytes)}.`,
  ]
}
