import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { withDevice } from '../with-device.ts'

interface PinOptions {
  space?: string
}

const PATH = 'a file or directory of the space'

export function pinCommand(run: RunCommand): Command {
  const command = new Command('pin')
    .summary('keep the bytes of a file or directory on this device')
    .description(
      'Keeps the bytes of a file, or of everything in a directory, on this device: they are fetched whatever "fetch" in ' +
        'the configuration says, and never evicted. It holds for what comes into the directory later too, and follows ' +
        'a rename. What was evicted there is fetched again.',
    )
    .argument('<path>', PATH)
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: PinOptions) => run((context) => pin(context, path, options)))
  return explain(command, {
    examples: [['dittofs pin photos/2026', 'always here, also on a train']],
    statuses: { notFound: 'nothing is at the path' },
  })
}

export function unpinCommand(run: RunCommand): Command {
  const command = new Command('unpin')
    .summary('take back what "pin" or "evict" decided')
    .description(
      'Ends what "pin" or "evict" decided about a path: "fetch" in the configuration holds again. Under "all" what was ' +
        'evicted is fetched again.',
    )
    .argument('<path>', 'the path that was given to "pin" or "evict", or what it is called now')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: PinOptions) => run((context) => unpin(context, path, options)))
  return explain(command, {
    examples: [['dittofs unpin photos/2026', 'the configuration decides again']],
    statuses: { notFound: 'nothing is at the path, or nothing was decided about it' },
  })
}

export function evictCommand(run: RunCommand): Command {
  const command = new Command('evict')
    .summary('free the bytes of a file or directory on this device')
    .description(
      'Frees the bytes of a file, or of everything in a directory, on this device, as far as another device that is ' +
        'connected now says that it keeps them. They are not fetched again by themselves, nor are later versions; "get" ' +
        'fetches them to read them. What other files or the history need as well stays.',
    )
    .argument('<path>', PATH)
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string, options: PinOptions) => run((context) => evict(context, path, options)))
  return explain(command, {
    examples: [['dittofs evict films', 'they stay in the list, and on the device at home']],
    statuses: {
      failed: 'failed, or the bytes of something stay here',
      unreachable: 'no connected device keeps them',
      notFound: 'nothing is at the path',
    },
  })
}

async function pin(context: CommandContext, path: string, options: PinOptions): Promise<undefined> {
  const result = await withDevice(context, (device) => device.pins.pin(path, named(context, options)))
  const { files, missingBytes } = result
  const left = missingBytes > 0 ? `${formatBytes(missingBytes)} to fetch` : 'all here'
  await context.output.result(result, () => [`Pinned ${shown(result.path)}: ${countOf(files, 'file')}, ${left}.`])
}

async function unpin(context: CommandContext, path: string, options: PinOptions): Promise<undefined> {
  const result = await withDevice(context, (device) => device.pins.unpin(path, named(context, options)))
  await context.output.result(result, () => [`${shown(result.path)} is not ${result.was} any more.`])
}

async function evict(context: CommandContext, path: string, options: PinOptions): Promise<number | undefined> {
  const result = await withDevice(context, (device) => device.pins.evict(path, named(context, options)))
  noteSkipped(context.output, 'stays here', result.skipped)
  const { files, bytes, freedBytes } = result
  await context.output.result(result, () => [
    `Evicted ${countOf(files, 'file')} (${formatBytes(bytes)}); ${formatBytes(freedBytes)} of disk were freed.`,
  ])
  return result.skipped.length > 0 ? EXIT_STATUSES.failed : undefined
}

function named({ directory, signal }: CommandContext, { space }: PinOptions) {
  return { directory, signal, ...(space === undefined ? {} : { space }) }
}

function shown(path: string): string {
  return path === '' ? 'the space' : escapeText(path)
}
