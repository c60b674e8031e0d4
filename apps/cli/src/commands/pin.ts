import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { withDevice } from '../with-device.ts'

interface PinCommandOptions {
  space?: string
  remove?: boolean
}

export function pinCommand(run: RunCommand): Command {
  const command = new Command('pin')
    .summary('keep the bytes of a path on this device')
    .description(
      'Keeps the bytes of a file, or of all below a directory, on this device, whatever the setting "fetch" says.',
    )
    .argument('<path>', 'a file or directory of the space or in a live folder')
    .option('--remove', 'no longer')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: PinCommandOptions) => run((context) => pin(context, path, options)))
  return explain(command, {
    examples: [['dittofs pin music/favourites', 'there on the train too']],
    statuses: { notFound: 'nothing is at the path' },
  })
}

export function evictCommand(run: RunCommand): Command {
  const command = new Command('evict')
    .summary('drop the bytes of a path on this device')
    .description(
      'Drops the bytes of a file, or of all below a directory, on this device; the file stays in the space and is fetched ' +
        'again when it is read. Refused where no connected device holds all of them.',
    )
    .argument('<path>', 'a file or directory of the space')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: { space?: string }) => run((context) => evict(context, path, options)))
  return explain(command, {
    examples: [['dittofs evict films', 'room on a small disk']],
    statuses: { notFound: 'nothing is at the path', unreachable: 'no connected device holds all of it' },
  })
}

async function pin(context: CommandContext, path: string, { remove, space }: PinCommandOptions): Promise<undefined> {
  const { directory, signal } = context
  const isPinned = remove !== true
  await withDevice(context, (device) =>
    device.versions.pin(path, { directory, signal, isPinned, ...(space !== undefined && { space }) }),
  )
  await context.output.result({ path, isPinned }, () => [
    isPinned ? `${escapeText(path)} is kept on this device.` : `${escapeText(path)} is no longer pinned.`,
  ])
}

async function evict(context: CommandContext, path: string, options: { space?: string }): Promise<undefined> {
  const { directory, signal } = context
  const freed = await withDevice(context, (device) => device.versions.evict(path, { ...options, directory, signal }))
  await context.output.result(freed, () => [
    `Dropped ${countOf(freed.chunks, 'chunk')}, ${formatBytes(freed.bytes)}; they are fetched again when they are read.`,
  ])
}
