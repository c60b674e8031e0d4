import type { Clock } from '@dittofs/interface'
import type { TransferLimits } from '@dittofs/sync'
import type { Config } from '../config/config-schema.ts'
import { type Hours, isWithinHours, parseHours } from './limit-hours.ts'
import { parseRate } from './rate.ts'

/** How long the answer to what time it is may be used: it is asked for every frame. */
const LOOK_MS = 1000

/** What the settings say content may be sent and fetched at now. */
export function transferLimits(
  config: Pick<Config, 'upload_limit' | 'download_limit' | 'limit_hours'>,
  clock: Pick<Clock, 'now'>,
): TransferLimits {
  const hours = config.limit_hours.map(parseHours).filter((one): one is Hours => one !== undefined)
  let lookedAt = Number.NEGATIVE_INFINITY
  let isInForce = true
  const limit = (text: string) => {
    const bytesPerSecond = text === '' ? undefined : parseRate(text)
    return () => {
      if (bytesPerSecond === undefined || hours.length === 0) return bytesPerSecond
      const now = clock.now()
      if (Math.abs(now - lookedAt) >= LOOK_MS) {
        lookedAt = now
        isInForce = isWithinHours(hours, new Date(now))
      }
      return isInForce ? bytesPerSecond : undefined
    }
  }
  return { upload: limit(config.upload_limit), download: limit(config.download_limit) }
}
