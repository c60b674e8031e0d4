import type { SyncResult, WaitingContent, WaitingFor } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { formatTable } from '../output/format-table.ts'
import { parseDuration } from '../parse/parse-duration.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

interface SyncCommandOptions {
  timeout?: number
}

export function syncCommand(run: RunCommand): Command {
  const command = new Command('sync')
    .summary('exchange everything with every device that can be reached')
    .description(
      'Looks for the other devices, exchanges everything with them, and returns when this device is up to date with ' +
        'every one it reached. A daemon does all of this by itself; this waits for it, or does it once without one. ' +
        'What waits for "dittofs accept", for room on the disk or for another link is not waited for: a line says so.',
    )
    .option('--timeout <time>', 'give up after this time, in seconds or as 90s, 5m, 1h', parseDuration)
    .action((options: SyncCommandOptions) => run((context) => sync(context, options)))
  return explain(command, {
    examples: [['dittofs sync --timeout 60', 'takes a minute at most']],
    statuses: { failed: 'failed, or not up to date in time', unreachable: 'no device was reached' },
  })
}

async function sync(context: CommandContext, { timeout }: SyncCommandOptions): Promise<number> {
  const limit = timeout === undefined ? {} : { timeoutMs: timeout }
  const result = await withDevice(
    context,
    (device) => withProgress(context, (progress) => device.sync({ ...limit, ...progress })),
    { isOnline: true },
  )
  await context.output.result(result, () => describeSynced(result))
  if (result.peers.length === 0) {
    context.output.note('dittofs: No device was reached; is a daemon running on the others, in the same network?')
    return EXIT_STATUSES.unreachable
  }
  return result.peers.every((peer) => peer.isUpToDate) ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

const HOW_IT_COMES: Readonly<Record<WaitingFor, string>> = {
  accept: '"dittofs status" says whose it is, and "dittofs accept" lets it come',
  room: 'it comes once more of the disk is free than "reserve" in config.toml keeps',
  link: 'it comes over a link that costs neither money nor battery; "metered" in config.toml says what comes without',
}

function describeSynced(result: SyncResult): string[] {
  if (result.peers.length === 0) return []
  const done = result.waiting.length === 0 ? 'up to date' : 'nothing more comes now'
  const rows = result.peers.map((peer) => [
    escapeText(peer.name),
    peer.id,
    escapeText(peer.isUpToDate ? done : (peer.problem ?? 'not up to date yet')),
  ])
  return [
    ...formatTable(rows),
    `Received ${formatBytes(result.fetchedBytes)}, sent ${formatBytes(result.sentBytes)}.`,
    ...result.waiting.map(waitingSentence),
  ]
}

function waitingSentence({ space, waitsFor, bytes }: WaitingContent): string {
  return `${formatBytes(bytes)} of ${escapeText(space.name)} waits: ${HOW_IT_COMES[waitsFor]}.`
}
