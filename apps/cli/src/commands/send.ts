import path from 'node:path'
import { type Device, DittoError, type SendEvent, type SendOptions } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatBytes } from '../output/format-bytes.ts'
import { countOf } from '../output/format-count.ts'
import { formatMoment } from '../output/format-time.ts'
import { noteSkipped } from '../output/note-skipped.ts'
import { ProgressLine } from '../output/progress-line.ts'
import { parseDuration } from '../parse/parse-duration.ts'
import { withDevice } from '../with-device.ts'

type TicketEvent = Extract<SendEvent, { kind: 'ticket' }>

export function sendCommand(run: RunCommand): Command {
  const command = new Command('send')
    .summary('offer files once to a device that is no member')
    .description(
      'Reads files and directories, prints a ticket, alone on stdout, and on a terminal also as a QR code, and waits ' +
        'until whoever types "dittofs receive TICKET" has everything. The ticket works for one device; that one may ' +
        'stop and go on with it. The other device becomes a member of nothing, and nothing of the transfer stays on ' +
        'this one: Ctrl-C calls it off. With --json one line is printed when the ticket is there.',
    )
    .argument('<path...>', 'files and directories')
    .option(
      '--expires <time>',
      'how long the ticket waits to be used: 90s, 30m, 1h, 7d; at most 30d (default: 1h)',
      parseDuration,
    )
    .action((paths: string[], options: { expires?: number }) => run((context) => send(context, paths, options)))
  return explain(command, {
    examples: [
      ['dittofs send holiday', 'prints a ticket and waits'],
      ['dittofs send a.pdf b.pdf --expires 1d', 'two files, for a day'],
    ],
    statuses: {
      failed: 'failed, or nobody used the ticket in time',
      notFound: 'a path is not there',
      interrupted: 'called off by Ctrl-C',
    },
  })
}

async function send(context: CommandContext, paths: readonly string[], options: { expires?: number }): Promise<number> {
  const sources = paths.map((one) => path.resolve(context.directory, one))
  const sendOptions: SendOptions = {
    signal: context.signal,
    ...(options.expires !== undefined && { expiresInMs: options.expires }),
  }
  return withDevice(context, (device) => follow(context, device, sources, sendOptions), { isOnline: true })
}

async function follow(
  context: CommandContext,
  device: Device,
  sources: readonly string[],
  options: SendOptions,
): Promise<number> {
  const { output } = context
  const terminal = output.progressTerminal
  const line = terminal === undefined ? undefined : new ProgressLine(terminal)
  let skipped: TicketEvent['skipped'] = []
  try {
    for await (const events of device.send(sources, options)) {
      for (const event of events) {
        if (event.kind === 'progress') {
          line?.update(event.progress)
          continue
        }
        line?.end()
        if (event.kind === 'ticket') {
          ;({ skipped } = event)
          noteSkipped(output, 'not sent', skipped)
          await printTicket(context, event)
        } else {
          const who = `${escapeText(event.peer.name)} (${event.peer.id})`
          output.note(event.kind === 'receiver' ? `${who} receives.` : `${who} has everything.`)
          if (event.kind === 'done') return skipped.length === 0 ? EXIT_STATUSES.done : EXIT_STATUSES.failed
        }
      }
    }
  } finally {
    line?.end()
  }
  throw new DittoError('DITTO_CLOSED', 'The device was closed before the transfer was over.')
}

async function printTicket({ output, now }: CommandContext, event: TicketEvent): Promise<void> {
  const { ticket, expiresAt, files, bytes } = event
  if (output.isJson) {
    await output.write(`${JSON.stringify({ ticket, expiresAt, files, bytes, skipped: event.skipped })}\n`)
    return
  }
  await output.write(`${ticket}\n`)
  const what = `${countOf(files, 'file')} (${formatBytes(bytes)})`
  const until = formatMoment(expiresAt, now())
  if (output.isTerminal) {
    const { renderUnicodeCompact } = await import('uqr')
    output.aside(`\n${renderUnicodeCompact(ticket)}\n\n`)
  }
  output.note(`Type "dittofs receive TICKET" at the other device to get ${what}. The ticket expires ${until}.`)
}
