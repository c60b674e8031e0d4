import type { Clock, JoinResult, ProgressOptions } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import { decodeTicket, type Memberships, redeemTicket, ticketKeys } from '@dittofs/membership'
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
  const { connector, memberships, spaces, clock, deviceName } = init
  const signal = options.signal === undefined ? {} : { signal: options.signal }
  const ticket = decodeTicket(text)
  const progress = new ProgressReporter(clock, options.onProgress)
  progress.begin('connect')
  const keys = ticketKeys(ticket.secret)
  const link = await connector.dialTicket({
    addresses: ticket.addresses,
    knockKey: { match: { kind: 'ticket', name: Buffer.from(keys.id).toString('hex') }, secret: keys.knock },
    findKey: keys.find,
    expected: ticket.key,
    ...signal,
  })
  const platform = process.platform
  const { membership, role, peer } = await redeemTicket({
    ...{ link, ticket, memberships, clock, platform, name: deviceName },
    onWait: (digits) => {
      progress.begin('confirm', { current: digits })
    },
    ...signal,
  })
  await spaces.discardUnused(membership)
  await spaces.giveOwnLabel(membership)
  const space = await spaces.adopt(membership)
  progress.finish()
  return { space: { id: space.id, name: space.name }, role, peer: { id: deviceId(peer.key), name: peer.name } }
}
