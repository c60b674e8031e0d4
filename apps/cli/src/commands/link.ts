import path from 'node:path'
import { FOLDER_MODES, type FolderInfo, type FolderMode, type LinkOptions } from '@dittofs/interface'
import { Command, Option } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { noteProblems } from '../output/format-folders.ts'
import { withDevice } from '../with-device.ts'

interface LinkCommandOptions {
  space?: string
  path?: string
  mode?: FolderMode
}

export function linkCommand(run: RunCommand): Command {
  const command = new Command('link')
    .summary('make a directory a live folder')
    .description(
      'Makes a directory a live folder: it and a directory of the space become the same, and stay so on every device ' +
        'that links one. What is in both merges and nothing is overwritten: of two different files with one name both ' +
        'are kept, one as a conflict copy. A running daemon keeps it in step.',
    )
    .argument('<directory>', 'a directory of this machine; made if it is missing')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--path <path>', 'the directory of the space; all of the space when absent')
    .addOption(
      new Option(
        '--mode <mode>',
        'two-way; receive: changes made here stay here; send: changes made by others do',
      ).choices(FOLDER_MODES),
    )
    .action((directory: string, options: LinkCommandOptions) => run((context) => link(context, directory, options)))
  return explain(command, {
    examples: [
      ['dittofs link ~/Photos', 'the whole space as ~/Photos'],
      ['dittofs link ~/Work --path work', 'only its directory "work"'],
      ['dittofs link /srv/archive --mode receive', 'a copy that sends nothing back'],
    ],
  })
}

async function link(context: CommandContext, given: string, options: LinkCommandOptions): Promise<undefined> {
  const directory = path.resolve(context.directory, given)
  const linkOptions: LinkOptions = { ...options }
  const { folder, isDaemon } = await withDevice(context, async (device, isDaemon) => ({
    folder: await device.folders.link(directory, linkOptions),
    isDaemon,
  }))
  noteProblems(context.output, folder)
  await context.output.result(folder, () => [describeLinked(folder)])
  if (!isDaemon) context.output.note('dittofs: Start "dittofs daemon" here to keep it in step.')
}

function describeLinked(folder: FolderInfo): string {
  const place = folder.path === '' ? '' : `, directory ${escapeText(JSON.stringify(folder.path))}`
  const how = { 'two-way': 'both ways', receive: 'receiving only', send: 'sending only' }[folder.mode]
  return `${escapeText(folder.directory)} is a live folder of the space ${escapeText(folder.space.name)}${place}, ${how}.`
}
