import type { InviteOptions, OpenInvitation } from '@dittofs/interface'
import { Command } from 'commander'
import type { CommandContext, RunCommand } from '../command-context.ts'
import { explain } from '../command-help.ts'
import { escapeText } from '../output/escape-text.ts'
import { formatTable } from '../output/format-table.ts'
import { formatMoment } from '../output/format-time.ts'
import { parseDuration } from '../parse/parse-duration.ts'
import { withDevice } from '../with-device.ts'

interface InviteCommandOptions {
  space?: string
  expires?: number
  readOnly?: boolean
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
    .option('--list', 'list the tickets made here instead, open and dead')
    .option('--revoke <id>', 'make an open ticket useless instead; the ID is in the list')
    .action((options: InviteCommandOptions) => run((context) => invite(context, options)))
  return explain(command, {
    examples: [
      ['dittofs invite', 'a ticket for one hour'],
      ['dittofs invite --read-only --expires 7d', 'for a device that only reads'],
      ['dittofs invite --list', 'what became of the tickets'],
    ],
    statuses: { notFound: 'no ticket has the ID' },
  })
}

async function invite(context: CommandContext, options: InviteCommandOptions): Promise<undefined> {
  if (options.list === true) return listInvitations(context)
  if (options.revoke !== undefined) return revoke(context, options.revoke)
  const inviteOptions: InviteOptions = {
    ...(options.space !== undefined && { space: options.space }),
    ...(options.expires !== undefined && { expiresInMs: options.expires }),
    ...(options.readOnly === true && { role: 'read' as const }),
  }
  const { invitation, isDaemon } = await withDevice(context, async (device, isDaemon) => ({
    invitation: await device.invite(inviteOptions),
    isDaemon,
  }))
  if (context.output.isJson) await context.output.json(invitation)
  else {
    await context.output.write(`${invitation.ticket}\n`)
    if (context.output.isTerminal) {
      const { renderUnicodeCompact } = await import('uqr')
      const until = formatMoment(invitation.expiresAt, context.now())
      context.output.aside(`\n${renderUnicodeCompact(invitation.ticket)}\n\n`)
      context.output.note(`Type "dittofs join TICKET" at the other device. It works once and expires ${until}.`)
    }
  }
  if (!isDaemon) context.output.note('dittofs: Start "dittofs daemon" here, or nobody can redeem the ticket.')
}

async function listInvitations(context: CommandContext): Promise<undefined> {
  const invitations = await withDevice(context, (device) => device.invitations())
  await context.output.result(invitations, () => describeInvitations(invitations, context.now()))
}

function describeInvitations(invitations: readonly OpenInvitation[], now: number): string[] {
  if (invitations.length === 0) return ['No tickets.']
  const rows = invitations.map((one) => [
    one.id,
    escapeText(one.space.name),
    one.role === 'read' ? 'read-only' : 'full',
    one.state,
    one.usedBy ?? (one.state === 'open' ? `expires ${formatMoment(one.expiresAt, now)}` : ''),
  ])
  return formatTable([['ID', 'SPACE', 'ROLE', 'STATE', ''], ...rows])
}

async function revoke(context: CommandContext, id: string): Promise<undefined> {
  await withDevice(context, (device) => device.revokeInvitation(id))
  await context.output.result({ id }, () => [`The ticket ${escapeText(id)} is useless now.`])
}
