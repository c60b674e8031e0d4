import type { ProgressOptions } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatDigits } from '../output/format-digits.ts'
import { withDevice } from '../with-device.ts'
import { withProgress } from '../with-progress.ts'

export function joinCommand(run: RunCommand): Command {
  const command = new Command('join')
    .summary('join a space with a ticket from another device')
    .description(
      'Pairs this device with the one that printed the ticket and joins its space. Returns when both have it. The ' +
        'other device has to be running its daemon.',
    )
    .argument('<ticket>', 'what "dittofs invite" printed at the other device')
    .action((ticket: string) => run((context) => join(context, ticket)))
  return explain(command, {
    examples: [['dittofs join DITTO1...', 'joins the space of the device that made the ticket']],
    statuses: {
      failed: 'failed, or the ticket was used, has expired, was revoked, or nobody confirmed it',
      usage: 'wrong usage, or a ticket with typing errors',
      unreachable: 'the other device was not reached',
    },
  })
}

async function join(context: CommandContext, ticket: string): Promise<undefined> {
  const result = await withDevice(
    context,
    (device) => withProgress(context, (progress, say) => device.join(ticket, showingDigits(progress, say))),
    { isOnline: true },
  )
  await context.output.result(result, () => [
    `Paired with ${escapeText(result.peer.name)} (${result.peer.id}).`,
    `This device is a member of the space "${escapeText(result.space.name)}"${
      result.role === 'read' ? ' and may read it' : ''
    }.`,
  ])
}

/** Says the digits once, on stderr, whatever shows progress or not. */
function showingDigits(options: ProgressOptions, say: (text: string) => void): ProgressOptions {
  let shown: string | undefined
  return {
    ...options,
    onProgress: (progress) => {
      const { phase, current } = progress
      if (phase === 'confirm' && current !== undefined && current !== shown) {
        shown = current
        say(
          `The digits of this device are ${formatDigits(current)}. It joins when the person at the other device says ` +
            'that both show the same ones.',
        )
      }
      options.onProgress?.(progress)
    },
  }
}
