import type { Clock, Link, Logger, SpaceId } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import { type AskPerson, admitNewcomer, describeTicketNotice, type Memberships } from '@dittofs/membership'

export interface AdmitLinkInit {
  memberships: Memberships
  clock: Clock
  logger: Logger
  /** This device's name, for the newcomer. */
  deviceName: string
  /** Tells a person, now or when they ask next. */
  notify: (text: string) => void
  /** Asks a person here whether to let a newcomer in. */
  confirm: AskPerson
  /** Whether members of the space come and go with a transfer, of which nobody is told. */
  isAside: (space: SpaceId) => boolean
  signal: AbortSignal
}

/** Answers a device that knocked with a ticket. Whatever comes of it, the link is closed and nothing is thrown. */
export async function admitLink(init: AdmitLinkInit, link: Link): Promise<void> {
  const { memberships, clock, logger, deviceName, notify, confirm, signal } = init
  try {
    const result = await admitNewcomer({
      ...{ link, memberships, clock, confirm, signal, name: deviceName },
      onNotice: (notice) => notify(describeTicketNotice(notice, deviceId)),
    })
    if (result.outcome === 'refused') {
      logger.warn({ remote: link.remote, ticket_id: result.ticketId, reason: result.reason }, 'A ticket was refused.')
      return
    }
    const { membership, role, peer } = result
    const id = deviceId(peer.key)
    logger.info({ device: id, name: peer.name, space: membership.space, role }, 'A device was paired.')
    if (init.isAside(membership.space)) return
    notify(
      `${JSON.stringify(peer.name)} (${id}) joined the space ${JSON.stringify(membership.name)} with the role ${role}.`,
    )
  } catch (error) {
    logger.warn({ error, remote: link.remote }, 'A pairing failed; the other device may try again with its ticket.')
  }
}
