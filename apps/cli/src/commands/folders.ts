import path from 'node:path'
import type { FolderInfo, LiveFolders } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { formatFolders } from '../output/format-folders.ts'
import { withDevice } from '../with-device.ts'

type FolderCall = (
  folders: LiveFolders,
  directory: string | undefined,
  context: CommandContext,
) => Promise<readonly FolderInfo[]>

const STATUSES = { notFound: 'it is no live folder' }

export function foldersCommand(run: RunCommand): Command {
  const command = new Command('folders')
    .summary('list the live folders and what they do')
    .description(
      'Lists the live folders: the directory, the space, what it does now, what has not arrived yet, and what in it ' +
        'cannot be synced and why.',
    )
    .action(() => run((context) => show(context, undefined, (folders) => folders.list())))
  return explain(command, { examples: [['dittofs folders', 'state and problems of each']] })
}

export function pauseCommand(run: RunCommand): Command {
  const command = new Command('pause')
    .summary('pause a live folder, or all of them')
    .description('Does nothing in a live folder, and tells others nothing of it, until it is resumed.')
    .argument('[directory]', 'a live folder; all of them when absent')
    .action((directory?: string) =>
      run((context) => show(context, directory, (folders, chosen) => folders.pause(chosen))),
    )
  return explain(command, { examples: [['dittofs pause ~/Photos', 'before a large clean-up']], statuses: STATUSES })
}

export function resumeCommand(run: RunCommand): Command {
  const command = new Command('resume')
    .summary('go on with a live folder, or accept a change that waits')
    .description(
      'Goes on with a live folder that was paused. A change that would delete or replace a large part of a folder waits ' +
        'until a person agrees: "dittofs plan" shows it, --accept does it.',
    )
    .argument('[directory]', 'a live folder; all of them when absent')
    .option('--accept', 'also do the change that waits')
    .action((directory: string | undefined, options: { accept?: boolean }) =>
      run((context) => show(context, directory, (folders, chosen) => folders.resume(chosen, options))),
    )
  return explain(command, {
    examples: [
      ['dittofs resume', 'all of them'],
      ['dittofs resume ~/Photos --accept', 'yes, all of it was meant to be deleted'],
    ],
    statuses: STATUSES,
  })
}

export function rescanCommand(run: RunCommand): Command {
  const command = new Command('rescan')
    .summary('look at everything in a live folder again')
    .description(
      'Looks at every file of a live folder again and deals with what has changed. The watcher makes this rarely needed; ' +
        'network file systems do not tell of changes made elsewhere.',
    )
    .argument('[directory]', 'a live folder; all of them when absent')
    .action((directory?: string) =>
      run((context) => show(context, directory, (folders, chosen, { signal }) => folders.rescan(chosen, { signal }))),
    )
  return explain(command, { examples: [['dittofs rescan ~/Photos', 'returns when it is done']], statuses: STATUSES })
}

async function show(context: CommandContext, given: string | undefined, call: FolderCall): Promise<undefined> {
  const directory = given === undefined ? undefined : path.resolve(context.directory, given)
  const folders = await withDevice(context, (device) => call(device.folders, directory, context))
  await context.output.result(folders, () => formatFolders(folders))
}
