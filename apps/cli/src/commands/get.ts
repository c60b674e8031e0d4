import path from 'node:path'
import {
  type ChunkId,
  type Device,
  DittoError,
  type GetOptions,
  type GetResult,
  isDittoError,
} from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { parseChunkIds } from '../parse/parse-chunk-ids.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

interface GetCommandOptions {
  output?: string
  file?: string
  hashes?: readonly ChunkId[]
  space?: string
}

type GetWork = (device: Device, options: GetOptions) => Promise<GetResult>

export function getCommand(run: RunCommand): Command {
  const command = new Command('get')
    .summary('write a file or directory of a space to disk')
    .description(
      'Writes a file, or a directory tree, to disk. Chunks that this device lacks are fetched from whoever has them; ' +
        'every byte is verified; a file is written whole or not at all. Without -o it is written to the current ' +
        'directory under its own name, and a different file there is not overwritten; with -o it is. The path from ' +
        'which a file was added on this device names it too.',
    )
    .argument('[path]', 'a file or directory of the space')
    .option('-o, --output <path>', 'where to write; an existing file there is replaced')
    .option('--file <path>', 'the same as the argument')
    .option(
      '--hashes <ids>',
      'write these chunks, joined in this order (IDs with commas between); needs -o',
      parseChunkIds,
    )
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .action((given: string | undefined, options: GetCommandOptions) => run((context) => get(context, given, options)))
  return explain(command, {
    examples: [
      ['dittofs get photos/1.jpg', 'writes ./1.jpg'],
      ['dittofs get photos -o /tmp/photos', 'writes a whole tree'],
    ],
    statuses: {
      failed: 'failed, or something was left out',
      unreachable: 'no reachable device has the missing bytes',
      notFound: 'nothing is at the path',
      integrity: 'the bytes are damaged and no good copy was found',
    },
  })
}

async function get(context: CommandContext, given: string | undefined, options: GetCommandOptions): Promise<number> {
  const work = chooseWork(given, options)
  const getOptions: GetOptions = {
    directory: context.directory,
    ...(options.space !== undefined && { space: options.space }),
    ...(options.output !== undefined && { output: path.resolve(context.directory, options.output) }),
  }
  const result = await getFromAnywhere(context, work, getOptions)
  noteSkipped(context.output, 'not written', result.skipped)
  await context.output.result(result, () => describeGot(result))
  return result.skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

function chooseWork(given: string | undefined, { file, hashes, output }: GetCommandOptions): GetWork {
  if ([given, file, hashes].filter((one) => one !== undefined).length !== 1) {
    throw new DittoError('DITTO_USAGE', 'Say what to get: either a path, or --file PATH, or --hashes IDS.')
  }
  if (hashes === undefined) return (device, options) => device.get((given ?? file) as string, options)
  if (output === undefined) throw new DittoError('DITTO_USAGE', 'Chunks have no name: say with -o where to write them.')
  // Safe: `output` is in the options because it was given.
  return (device, options) => device.getChunks(hashes, options as GetOptions & { output: string })
}

/** What is here is written without a network; only when bytes are missing, and no daemon runs, links are opened. */
async function getFromAnywhere(context: CommandContext, work: GetWork, options: GetOptions): Promise<GetResult> {
  const attempt = (isOnline: boolean) =>
    withDevice(
      context,
      async (device, isDaemon) => {
        try {
          return await withProgress(context, (progress) => work(device, { ...options, ...progress }))
        } catch (error) {
          const isWorthLinks = !isDaemon && !isOnline && isMissing(error)
          if (!isWorthLinks) throw error
          return undefined
        }
      },
      { isOnline },
    )
  return (await attempt(false)) ?? (await attempt(true)) ?? Promise.reject(new Error('unreachable: the second throws'))
}

function isMissing(error: unknown): boolean {
  return isDittoError(error, 'DITTO_CHUNK_MISSING') || isDittoError(error, 'DITTO_CHUNK_CORRUPT')
}

function describeGot(result: GetResult): string[] {
  const fetched = result.fetchedBytes > 0 ? `, ${formatBytes(result.fetchedBytes)} of it fetched` : ''
  return [
    `Wrote ${countOf(result.files, 'file')} (${formatBytes(result.bytes)}${fetched}) to ${escapeText(result.output)}.`,
  ]
}
