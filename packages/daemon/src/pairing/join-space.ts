import type { AbortOptions, Clock, JoinResult, ProgressOptions } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import {
  decodeTicketOf,
  type Memberships,
  type RedeemTicketResult,
  redeemTicket,
  type Ticket,
  ticketKeys,
} from '@dittofs/membership'
import type { Connector } from '../connector/connector.ts'
import { ProgressReporter } from '../progress-reporter.ts'
import type { SpaceRegistry } from '../spaces/space-registry.ts'

export interface JoinSpaceInit {
  connector: Connector
  memberships: Memberships
  spaces: SpaceRegistry
  clock: Clock
  /** This device's name, for the inviter. */
  deviceName: string
}

/**
 * Redeems a ticket: finds the inviter, becomes a member, opens the space. Durable here and there on return. The space
 * that a new device has of its own goes where it was never used, so that `home` means the one that was joined.
 *
 * @throws DittoError DITTO_TICKET_MANGLED and the other DITTO_TICKET codes, DITTO_PEER_UNREACHABLE, DITTO_USAGE
 */
export async function joinSpace(init: JoinSpaceInit, text: string, options: ProgressOptions): Promise<JoinResult> {
  const { spaces, clock } = init
  const ticket = decodeTicketOf('join', text)
  const progress = new ProgressReporter(clock, options.onProgress)
  const { membership, role, peer } = await redeem(init, ticket, progress, options)
  await spaces.discardUnused(membership)
  await spaces.giveOwnLabel(membership)
  const space = await spaces.adopt(membership)
  progress.finish()
  return { space: { id: space.id, name: space.name }, role, peer: { id: deviceId(peer.key), name: peer.name } }
}

/** The part that is the same for every kind of ticket: finds whoever made it, and becomes a member of its space. */
export async function redeem(
  init: Omit<JoinSpaceInit, 'spaces'>,
  ticket: Ticket,
  progress: ProgressReporter,
  options: AbortOptions,
): Promise<RedeemTicketResult> {
  const { connector, memberships, clock, deviceName } = init
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  progress.begin('connect')
  const keys = ticketKeys(ticket.secret)
  const link = await connector.dialTicket({
    addresses: ticket.addresses,
    knockKey: { match: { kind: 'ticket', name: Buffer.from(keys.id).toString('hex') }, secret: keys.knock },
    findKey: keys.find,
    expected: ticket.key,
    ...signal,
  })
  return redeemTicket({
    ...{ link, ticket, memberships, clock, platform: process.platform, name: deviceName },
    onWait: (digits) => {
      progress.begin('confirm', { current: digits })
    },
    ...signal,
  })
}
