import path from 'node:path'
import type { ReceiveResult } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

interface ReceiveCommandOptions {
  output?: string
  replace?: boolean
}

export function receiveCommand(run: RunCommand): Command {
  const command = new Command('receive')
    .summary('receive what another device sends once')
    .description(
      'Fetches what "dittofs send" offers at another device and writes it to a directory. Every byte is verified; a ' +
        'file is written whole or not at all; one that is there already with the same content is not fetched. Where ' +
        'something else stands at a path nothing is fetched, unless with --replace. After an interruption the same ' +
        'ticket goes on where it stopped. This device becomes a member of nothing.',
    )
    .argument('<ticket>', 'what "dittofs send" printed at the other device')
    .option('-o, --output <directory>', 'where to write (default: the current directory)')
    .option('--replace', 'replace files there that differ')
    .action((ticket: string, options: ReceiveCommandOptions) => run((context) => receive(context, ticket, options)))
  return explain(command, {
    examples: [
      ['dittofs receive DITTO1...', 'writes to the current directory'],
      ['dittofs receive DITTO1... -o inbox', 'writes to ./inbox, made where it is not there'],
    ],
    statuses: {
      failed: 'failed, something was left out, a path is taken, or the ticket was used, has expired or was called off',
      usage: 'wrong usage, a ticket with typing errors, or one for "dittofs join"',
      unreachable: 'the other device was not reached',
    },
  })
}

async function receive(context: CommandContext, ticket: string, options: ReceiveCommandOptions): Promise<number> {
  const directory = path.resolve(context.directory, options.output ?? '.')
  const result = await withDevice(
    context,
    (device) =>
      withProgress(context, (progress) =>
        device.receive(ticket, { directory, ...(options.replace === true && { replace: true }), ...progress }),
      ),
    { isOnline: true },
  )
  noteSkipped(context.output, 'not written', result.skipped)
  await context.output.result(result, () => describeReceived(result))
  return result.skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
}

function describeReceived({ files, bytes, output, fetchedBytes, peer }: ReceiveResult): string[] {
  const fetched = `${formatBytes(fetchedBytes)} of it fetched`
  return [
    `Received ${countOf(files, 'file')} (${formatBytes(bytes)}, ${fetched}) from ${escapeText(peer.name)} (${peer.id}).`,
    `They are in ${escapeText(output)}.`,
  ]
}
