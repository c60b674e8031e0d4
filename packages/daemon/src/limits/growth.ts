import { parseByteSize } from './byte-size.ts'

const HOUR_MS = 60 * 60 * 1000
/** Hours for which growth counts: slower than its limits in a day, a space may grow for ever. */
const PERIOD_HOURS = 24

/** What one device's changes have made a space grow by here, and what a person has agreed to. */
export interface Growth {
  /** Bytes by hour since the Unix epoch, the oldest first; none older than the period. */
  readonly hours: readonly (readonly [hour: number, bytes: number])[]
  /** Bytes that a person let through beyond the limit and that have not come yet. */
  readonly acceptedBytes: number
  /** Whether it waits for a person: not even the next period lets it go on. */
  readonly isHeld: boolean
}

export const NO_GROWTH: Growth = { hours: [], acceptedBytes: 0, isHeld: false }

/** What may come without a person; without a limit where `undefined`. */
export interface GrowthLimits {
  readonly bytes: number | undefined
  /** Of what was free before it came, 0 to 1. */
  readonly freeShare: number | undefined
}

/** @param settings - as in the configuration: a size or `0`, and hundredths or 0 */
export function growthLimits(settings: { growth_limit: string; growth_share: number }): GrowthLimits {
  return {
    bytes: settings.growth_limit === '0' ? undefined : parseByteSize(settings.growth_limit),
    freeShare: settings.growth_share === 0 ? undefined : settings.growth_share / 100,
  }
}

/** Bytes within the period. @param nowMs - since the Unix epoch */
export function grownBytes({ hours }: Growth, nowMs: number): number {
  const now = hourOf(nowMs)
  // An hour to come is one of a clock that was wrong, and counts all the same.
  return hours.reduce((sum, [hour, bytes]) => (hour > now - PERIOD_HOURS ? sum + bytes : sum), 0)
}

/**
 * The most that may come within a period. What has come already is no longer free, so it is counted as if it were:
 * otherwise the limit fell as it is approached.
 *
 * @param freeBytes - on the disk that content comes to; without a limit where it is not known
 */
export function growthLimit({ bytes, freeShare }: GrowthLimits, grown: number, freeBytes: number): number {
  const share = freeShare === undefined ? Number.POSITIVE_INFINITY : freeShare * (freeBytes + grown)
  return Math.floor(Math.min(bytes ?? Number.POSITIVE_INFINITY, share))
}

/** So many bytes have come: first what a person agreed to, the rest counts. */
export function withStored(growth: Growth, bytes: number, nowMs: number): Growth {
  const accepted = Math.min(growth.acceptedBytes, bytes)
  const now = hourOf(nowMs)
  const counted = bytes - accepted
  const hours = growth.hours.filter(([hour]) => hour > now - PERIOD_HOURS)
  if (counted > 0) {
    const last = hours.at(-1)
    if (last !== undefined && last[0] >= now) hours[hours.length - 1] = [last[0], last[1] + counted]
    else hours.push([now, counted])
  }
  return { ...growth, hours, acceptedBytes: growth.acceptedBytes - accepted }
}

/** A person agreed to all that waits; what comes after it is counted from nothing. */
export function accepted(waitingBytes: number): Growth {
  return { hours: [], acceptedBytes: waitingBytes, isHeld: false }
}

function hourOf(nowMs: number): number {
  return Math.floor(nowMs / HOUR_MS)
}
