import type { ListEntry } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { formatEntry } from '../output/format-entry.ts'
import { withDevice } from '../with-device.ts'

interface ListCommandOptions {
  space?: string
  missing?: boolean
  verbose?: boolean
}

export function listCommand(run: RunCommand): Command {
  const command = new Command('list')
    .alias('ls')
    .summary('list the files of a space')
    .description(
      'Lists the tree of a space, or what is at and below a path: mode, size, time of change, path. ' +
        'Files whose bytes are not all on this device say how much is missing.',
    )
    .argument('[path]', 'a file or directory of the space; everything when absent')
    .option('--missing', 'only what this device lacks bytes of')
    .option('-v, --verbose', 'also who made each version, and the IDs of its chunks')
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((path: string | undefined, options: ListCommandOptions) => run((context) => list(context, path, options)))
  return explain(command, {
    examples: [
      ['dittofs list', 'everything'],
      ['dittofs list photos --missing', 'what has not arrived yet below "photos"'],
      ['dittofs list --json | jq -r ".[].path"', 'paths for a script'],
    ],
    statuses: { notFound: 'nothing is at the path' },
  })
}

async function list(
  context: CommandContext,
  path: string | undefined,
  options: ListCommandOptions,
): Promise<undefined> {
  const { verbose = false, ...rest } = options
  await withDevice(context, async (device) => {
    const batches = device.list(path ?? '', { ...rest, isVerbose: verbose, signal: context.signal })
    if (context.output.isJson) await printJson(context, batches)
    else await printLines(context, batches, verbose)
  })
}

/** One JSON array, written as it comes, so that a million entries need little memory. */
async function printJson(context: CommandContext, batches: AsyncIterable<readonly ListEntry[]>): Promise<void> {
  let separator = '['
  for await (const entries of batches) {
    let text = ''
    for (const entry of entries) {
      text += `${separator}\n${JSON.stringify(toJson(entry))}`
      separator = ','
    }
    if (text !== '') await context.output.write(text)
  }
  await context.output.write(separator === '[' ? '[]\n' : '\n]\n')
}

/** The fields that scripts rely on, in this order, and no others. */
function toJson(entry: ListEntry): object {
  const { path, kind, size, mtime, mode, missingChunks, chunks, target, conflictOf, pin, author, chunkIds } = entry
  return { path, kind, size, mtime, mode, missingChunks, chunks, target, conflictOf, pin, author, chunkIds }
}

async function printLines(
  context: CommandContext,
  batches: AsyncIterable<readonly ListEntry[]>,
  isVerbose: boolean,
): Promise<void> {
  const now = context.now()
  for await (const entries of batches) {
    await context.output.lines(entries.flatMap((entry) => formatEntry(entry, now, isVerbose)))
  }
}
