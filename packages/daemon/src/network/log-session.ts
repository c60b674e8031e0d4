import { isDittoError, type Logger } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { Session } from '@dittofs/sync'

export function logBegin(logger: Logger, { peer, link }: Session): void {
  logger.info({ device: deviceId(peer), remote: link.remote, link: link.transport }, 'A device is connected.')
}

export function logEnd(logger: Logger, { peer }: Session, reason: Error | undefined): void {
  const { fields, isExpected } = describeEnd(reason)
  logger[isExpected ? 'info' : 'warn']({ device: deviceId(peer), ...fields }, 'A device is no longer connected.')
}

/** A session that ends because a device stops, or a network does, is nothing to warn of. */
function describeEnd(reason: Error | undefined): { fields: object; isExpected: boolean } {
  if (reason === undefined) return { fields: {}, isExpected: true }
  const code = isDittoError(reason) ? reason.code : 'DITTO_INTERNAL'
  const isExpected = ['DITTO_LINK_CUT', 'DITTO_LINK_TIMEOUT', 'DITTO_CLOSED'].includes(code)
  return { fields: { code, reason: reason.message }, isExpected }
}
