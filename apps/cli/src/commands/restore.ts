import path from 'node:path'
import { DittoError, type RestoreOptions, type VersionId } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { countOf } from '../output/format-count.ts'
import { parseMoment } from '../parse/parse-moment.ts'
import { withDevice } from '../with-device.ts'

interface RestoreCommandOptions {
  at?: string
  output?: string
  deleted?: boolean
  space?: string
}

export function restoreCommand(run: RunCommand): Command {
  const command = new Command('restore')
    .summary('bring back an earlier version, or what was deleted')
    .description(
      'Makes an earlier version of a file the current one again, as a new version: nothing that came after is lost. With ' +
        '-o it is written elsewhere instead. With --deleted what was deleted comes back: a file, a directory with all ' +
        'below it, or everything.',
    )
    .argument('[path]', 'a file of the space or in a live folder; with --deleted also a directory')
    .option(
      '--at <when>',
      'a version ID, a time like "2026-11-20 18:00", or how long ago: 2h, 3d (default: the one before)',
    )
    .option('-o, --output <path>', 'write it to this file of this machine instead')
    .option('--deleted', 'bring back what was deleted; everything when there is no path')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((given: string | undefined, options: RestoreCommandOptions) =>
      run((context) => (options.deleted === true ? restoreDeleted : restore)(context, given, options)),
    )
  return explain(command, {
    examples: [
      ['dittofs restore notes.txt', 'the version before the current one'],
      ['dittofs restore notes.txt --at 2h -o old.txt', 'as it was two hours ago, beside it'],
      ['dittofs restore --deleted photos', 'a directory that was deleted'],
    ],
    statuses: {
      notFound: 'there is no such version, or nothing deleted there',
      unreachable: 'no device has its bytes',
    },
  })
}

async function restore(
  context: CommandContext,
  given: string | undefined,
  { at, output, space }: RestoreCommandOptions,
): Promise<undefined> {
  if (given === undefined) throw new DittoError('DITTO_USAGE', 'Name the file to restore, or use --deleted.')
  const { directory, signal } = context
  const options: RestoreOptions = {
    ...{ directory, signal },
    ...(space !== undefined && { space }),
    ...(output !== undefined && { output: path.resolve(directory, output) }),
    ...(at !== undefined && { at: parseMoment(at, context.now()) ?? (at as VersionId) }),
  }
  const result = await withDevice(context, (device) => device.versions.restore(given, options), { isOnline: true })
  await context.output.result(result, () => [
    result.output === undefined
      ? `Restored ${escapeText(result.path)} as of version ${result.version}.`
      : `Wrote version ${result.version} of ${escapeText(result.path)} to ${escapeText(result.output)}.`,
  ])
}

async function restoreDeleted(
  context: CommandContext,
  given: string | undefined,
  { at, output, space }: RestoreCommandOptions,
): Promise<undefined> {
  if (at !== undefined || output !== undefined) {
    throw new DittoError('DITTO_USAGE', '--deleted brings things back as they were; it takes neither --at nor -o.')
  }
  const { directory, signal } = context
  const options = { directory, signal, ...(space !== undefined && { space }) }
  const result = await withDevice(context, (device) => device.versions.restoreDeleted(given, options))
  const { restored, files, missing } = result
  await context.output.result(result, () => [
    ...restored.map((entry) => escapeText(entry.path) + (entry.kind === 'directory' ? '/' : '')),
    restored.length === 0 ? 'Nothing was deleted.' : `Brought back ${countOf(files, 'file')}.`,
    ...(missing.length === 0
      ? []
      : [
          `The bytes of ${countOf(missing.length, 'file')} are not on this device: they come when a device that has them is ` +
            'reached, if one still has them. "dittofs list --missing" shows which.',
        ]),
  ])
}
