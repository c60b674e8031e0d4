import { countOf } from './format-count.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const STEPS: readonly (readonly [number, string])[] = [
  [365 * DAY, 'year'],
  [30 * DAY, 'month'],
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
  [SECOND, 'second'],
]

/** A length of time in its largest unit, rounded down: `3 hours`. Milliseconds. */
export function formatSpan(durationMs: number): string {
  for (const [length, name] of STEPS) {
    if (durationMs >= length) return countOf(Math.floor(durationMs / length), name)
  }
  return 'a moment'
}

/** A moment as a person says it: `3 hours ago`, `in 5 minutes`, `now`. Milliseconds since the Unix epoch. */
export function formatMoment(time: number, now: number): string {
  const distance = Math.abs(now - time)
  if (distance < 5 * SECOND) return 'now'
  return time < now ? `${formatSpan(distance)} ago` : `in ${formatSpan(distance)}`
}

/** Time left, like a clock: `0:42`, `12:05`, `3:07:09`. Milliseconds. */
export function formatClock(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / SECOND))
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
