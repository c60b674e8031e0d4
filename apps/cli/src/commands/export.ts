import path from 'node:path'
import type { ExportOptions, ExportResult } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { findDevice } from '../find-device.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

interface ExportCommandOptions {
  for: string
  space?: string
  all?: boolean
}

export function exportCommand(run: RunCommand): Command {
  const command = new Command('export')
    .summary('write what another device lacks to a file, to be carried there')
    .description(
      'Writes what another member of the space lacks, as far as this device knows from when they last met, to one ' +
        'file: on a USB stick, for a device that no network leads to. Only that device can read it; "dittofs import" ' +
        'there takes it. Everything goes in where nothing is known. After an interruption the same command goes on ' +
        'where it stopped; a bundle that is finished is not overwritten.',
    )
    .argument('<target>', 'a directory, or the file to write')
    .requiredOption('--for <device>', 'the device that is to get it, by name or ID')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--all', 'write everything, also what the other device is known to have')
    .action((target: string, options: ExportCommandOptions) => run((context) => write(context, target, options)))
  return explain(command, {
    examples: [
      ['dittofs export /media/stick --for laptop', 'writes /media/stick/home-for-laptop.dittofs'],
      ['dittofs export all.dittofs --for laptop --all', 'everything, to a file of that name'],
    ],
    statuses: { failed: 'failed, or bytes were missing here', notFound: 'no such device or space' },
  })
}

async function write(context: CommandContext, target: string, options: ExportCommandOptions): Promise<number> {
  const place = path.resolve(context.directory, target)
  const result = await withDevice(context, async (device) => {
    const { id } = findDevice(await device.devices(), options.for)
    const exportOptions: ExportOptions = {
      device: id,
      ...(options.space !== undefined && { space: options.space }),
      ...(options.all === true && { all: true }),
    }
    return withProgress(context, (progress) => device.exportBundle(place, { ...exportOptions, ...progress }))
  })
  await context.output.result(result, () => describe(result))
  return result.missingChunks === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

function describe({ file, device, isWhole, isResumed, chunks, bytes, missingChunks }: ExportResult): string[] {
  const what = isWhole ? 'everything' : 'what it lacks'
  const lines = [
    `${isResumed ? 'Went on with' : 'Wrote'} ${escapeText(file)} (${formatBytes(bytes)}, ${countOf(chunks, 'chunk')}): ` +
      `${what} for ${escapeText(device.name)}.`,
    'Type "dittofs import FILE" there.',
  ]
  if (missingChunks > 0) lines.push(`${countOf(missingChunks, 'chunk')} are not on this device and not in it.`)
  return lines
}
