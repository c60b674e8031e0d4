import type { HeldGrowth } from '@dittofs/interface'
import { deviceId } from '@dittofs/link'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { WaitingGrowth } from './growth-brake.ts'

/** What waits in a space, as people see it. */
export function describeGrowth(
  { membership }: Pick<OpenSpace, 'membership'>,
  waiting: readonly WaitingGrowth[],
): readonly HeldGrowth[] {
  if (waiting.length === 0) return []
  const names = new Map(membership.members().map(({ key, name }) => [key, name]))
  return waiting.map(({ author, waitingBytes, grownBytes }) => ({
    ...(author === undefined ? {} : { device: { id: deviceId(author), name: names.get(author) ?? '' } }),
    waitingBytes,
    grownBytes,
  }))
}

/** One sentence for each device, what to do included. */
export function growthNotices(space: string, growth: readonly HeldGrowth[]): readonly string[] {
  return growth.map(({ device, waitingBytes, grownBytes }) => {
    const who =
      device === undefined ? 'devices that are no members any more' : `${JSON.stringify(device.name)} (${device.id})`
    return `The space ${JSON.stringify(space)} waits for you: changes by ${who} brought ${grownBytes} bytes within a day, and ${waitingBytes} more are past "growth_limit" or "growth_share" in config.toml. If that is right, "dittofs accept" lets them come; "dittofs get" fetches what you name all the same.`
  })
}
