import type { Invitation, InviteOptions, OpenInvitation } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { confirmAtTerminal } from '../confirm-at-terminal.ts'
import { EXIT_STATUSES } from '../exit-status.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatDigits } from '../output/format-digits.ts'
import { formatTable } from '../output/format-table.ts'
import { formatMoment } from '../output/format-time.ts'
import { parseDuration } from '../parse/parse-duration.ts'
import { withDevice } from '../with-device.ts'

interface InviteCommandOptions {
  space?: string
  expires?: number
  readOnly?: boolean
  confirm?: boolean
  list?: boolean
  revoke?: string
}

export function inviteCommand(run: RunCommand): Command {
  const command = new Command('invite')
    .summary('make a ticket with which another device can join')
    .description(
      'Prints a ticket, alone on stdout, and on a terminal also as a QR code. Whoever first types it in at another ' +
        'device ("dittofs join TICKET") is a member of the space, so hand it over as you would a key. It can be used ' +
        'once and expires. A daemon has to run here for it to be redeemed.',
    )
    .option('--space <space>', 'the space, by name or ID, when there are several')
    .option('--expires <time>', 'how long it is good for: 90s, 30m, 1h, 7d; at most 30d (default: 1h)', parseDuration)
    .option('--read-only', 'the other device may read, but not change, invite or remove')
    .option('--confirm', 'let the device in only when a person here says that both show the same six digits')
    .option('--list', 'list the tickets made here instead, open and dead')
    .option('--revoke <id>', 'make an open ticket useless instead; the ID is in the list')
    .action((options: InviteCommandOptions) => run((context) => invite(context, options)))
    .addCommand(confirmCommand(run))
  return explain(command, {
    examples: [
      ['dittofs invite', 'a ticket for one hour'],
      ['dittofs invite --read-only --expires 7d', 'for a device that only reads'],
      ['dittofs invite --confirm', 'asks here before anybody is let in'],
      ['dittofs invite --list', 'what became of the tickets'],
    ],
    statuses: { notFound: 'no ticket has the ID' },
  })
}

function confirmCommand(run: RunCommand): Command {
  const command = new Command('confirm')
    .summary('let a device in that waits with a ticket made with --confirm')
    .description(
      'Lets the device in that waits with a ticket made with "dittofs invite --confirm", by the six digits it shows. ' +
        '"dittofs invite --list" shows who waits; "dittofs invite --revoke" is the answer no.',
    )
    .argument('<id>', "the ticket's, as in the list")
    .argument('<digits...>', 'what the other device shows')
    .action((id: string, digits: string[]) => run((context) => confirm(context, id, digits.join(''))))
  return explain(command, {
    examples: [['dittofs invite confirm 5a9eca7c926434ced1053d38e02edf97 123456', 'the other device shows 123 456']],
    statuses: { notFound: 'no device waits with that ticket and those digits' },
  })
}

async function invite(context: CommandContext, options: InviteCommandOptions): Promise<number> {
  if (options.list === true) return listInvitations(context)
  if (options.revoke !== undefined) return revoke(context, options.revoke)
  const inviteOptions: InviteOptions = {
    ...(options.space !== undefined && { space: options.space }),
    ...(options.expires !== undefined && { expiresInMs: options.expires }),
    ...(options.readOnly === true && { role: 'read' as const }),
    ...(options.confirm === true && { confirm: true }),
  }
  const { output, ask } = context
  return withDevice(context, async (device, isDaemon) => {
    const invitation = await device.invite(inviteOptions)
    await printTicket(context, invitation)
    if (!isDaemon) output.note('dittofs: Start "dittofs daemon" here, or nobody can redeem the ticket.')
    if (options.confirm !== true) return EXIT_STATUSES.done
    if (!isDaemon || ask === undefined || output.isJson || !output.isTerminal) {
      output.note(`dittofs: When the other device shows its digits: dittofs invite confirm ${invitation.id} DIGITS`)
      return EXIT_STATUSES.done
    }
    const state = await confirmAtTerminal(context, device, invitation, ask)
    if (state === 'used') return EXIT_STATUSES.done
    output.note(state === 'revoked' ? 'Nobody was let in; the ticket is useless now.' : `The ticket is ${state}.`)
    return EXIT_STATUSES.failed
  })
}

async function printTicket({ output, now }: CommandContext, invitation: Invitation): Promise<void> {
  if (output.isJson) {
    await output.json(invitation)
    return
  }
  await output.write(`${invitation.ticket}\n`)
  if (!output.isTerminal) return
  const { renderUnicodeCompact } = await import('uqr')
  const until = formatMoment(invitation.expiresAt, now())
  output.aside(`\n${renderUnicodeCompact(invitation.ticket)}\n\n`)
  output.note(`Type "dittofs join TICKET" at the other device. It works once and expires ${until}.`)
}

async function confirm(context: CommandContext, id: string, typed: string): Promise<undefined> {
  const digits = typed.replaceAll(/\D/g, '')
  const device = await withDevice(context, (opened) => opened.confirmInvitation(id, digits))
  await context.output.result(device, () => [`${escapeText(device.name)} (${device.id}) is let in.`])
}

async function listInvitations(context: CommandContext): Promise<number> {
  const invitations = await withDevice(context, (device) => device.invitations())
  await context.output.result(invitations, () => describeInvitations(invitations, context.now()))
  return EXIT_STATUSES.done
}

function describeInvitations(invitations: readonly OpenInvitation[], now: number): string[] {
  if (invitations.length === 0) return ['No tickets.']
  const rows = invitations.map((one) => [
    one.id,
    escapeText(one.space.name),
    one.role === 'read' ? 'read-only' : 'full',
    one.state,
    one.usedBy ?? (one.state === 'open' ? describeOpen(one, now) : ''),
  ])
  return formatTable([['ID', 'SPACE', 'ROLE', 'STATE', ''], ...rows])
}

function describeOpen({ expiresAt, hasConfirmation, waiting }: OpenInvitation, now: number): string {
  const who = waiting.map(
    ({ name, id, digits }) => `${escapeText(name)} (${id}) waits and shows ${formatDigits(digits)}`,
  )
  const expires = `expires ${formatMoment(expiresAt, now)}`
  return [...who, hasConfirmation ? `${expires}, with confirmation` : expires].join('; ')
}

async function revoke(context: CommandContext, id: string): Promise<number> {
  await withDevice(context, (device) => device.revokeInvitation(id))
  await context.output.result({ id }, () => [`The ticket ${escapeText(id)} is useless now.`])
  return EXIT_STATUSES.done
}
