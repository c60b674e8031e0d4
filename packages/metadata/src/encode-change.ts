import { DittoError } from '@dittofs/interface'
import { MAX_TIME } from './event.ts'
import type { LogRecord } from './record.ts'
import { encodeRecord } from './record-codec.ts'

/**
 * The entry that a planned record becomes.
 *
 * @throws DittoError DITTO_LIMIT
 */
export function encodeChange(record: LogRecord): string {
  const t = record.type === 'state' ? Math.max(record.placement?.t ?? 0, record.version?.t ?? 0) : 0
  if (t > MAX_TIME) throw new DittoError('DITTO_LIMIT', 'The clock of this space has run out; make a new space of it.')
  try {
    return encodeRecord(record)
  } catch (error) {
    if (error instanceof RangeError)
      throw new DittoError('DITTO_LIMIT', 'A change is too large to be stored.', { cause: error })
    throw error
  }
}
