import { parseDuration } from './parse-duration.ts'

const DATE = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$/

/**
 * A moment as people write it: `2026-11-20`, `2026-11-20 18:00` (in this machine's time zone), or how long ago: `2h`.
 *
 * @returns milliseconds since the Unix epoch; `undefined` where it is none of these
 */
export function parseMoment(text: string, now: number): number | undefined {
  if (DATE.test(text)) {
    const [date, time = '00:00'] = text.split(/[ T]/)
    const moment = new Date(`${date}T${time}`).getTime()
    return Number.isNaN(moment) ? undefined : moment
  }
  return /^\d+(\.\d+)?[smhd]$/.test(text) ? now - parseDuration(text) : undefined
}
