import { type DeviceKey, DittoError, isDittoError, type Logger } from '@dittofs/interface'

/** What a session ends with; an error without a code is a mistake of this program, which goes to the log. */
export function asDittoError(error: unknown, log: Logger, peer: DeviceKey): DittoError {
  if (isDittoError(error)) return error
  log.error({ error, peer }, 'A session failed by a mistake in this program.')
  return new DittoError('DITTO_INTERNAL', 'The session failed by a mistake in this program.', { cause: error })
}
