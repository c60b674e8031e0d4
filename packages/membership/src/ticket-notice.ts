import type { DeviceId, DeviceKey, SpaceId } from '@dittofs/interface'

/** A ticket came to a second device: somebody else may hold it. For the person who gave it out. */
export interface TicketNotice {
  readonly kind: 'ticket-used-again'
  readonly ticketId: string
  readonly space: SpaceId
  /** Who has it. */
  readonly usedBy: DeviceKey
  /** Milliseconds since the Unix epoch. */
  readonly usedAt: number
  /** Who was refused. */
  readonly refused: DeviceKey
  /** The name that one gave itself: anything at all. */
  readonly refusedName: string
}

/** What to show: who has the ticket, since when, and how to remove it if it should not. */
export function describeTicketNotice(notice: TicketNotice, deviceIdOf: (key: DeviceKey) => DeviceId): string {
  const since = new Date(notice.usedAt).toISOString()
  return (
    `A ticket was tried a second time, by ${deviceIdOf(notice.refused)}, which was refused; ` +
    `${deviceIdOf(notice.usedBy)} has used it, at ${since}. ` +
    `If that is not the device you invited: dittofs devices remove ${deviceIdOf(notice.usedBy)}`
  )
}
