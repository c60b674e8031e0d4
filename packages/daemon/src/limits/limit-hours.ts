const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const HOURS = /^(?:([a-z]{3})(?:-([a-z]{3}))? +)?(\d{2}):(\d{2})-(\d{2}):(\d{2})$/
const MINUTES_A_DAY = 24 * 60

/** A part of the week. It may pass midnight: `from` is then later than `to`, and the day is the one it begins on. */
export interface Hours {
  /** 0 is Sunday. */
  readonly days: ReadonlySet<number>
  /** Minutes since midnight; `to` is the first that is not in it, at most 1,440. */
  readonly from: number
  readonly to: number
}

/** `mon-fri 08:00-18:00`, `sat 00:00-24:00`, `22:00-06:00`; `undefined` for anything else. */
export function parseHours(text: string): Hours | undefined {
  const found = HOURS.exec(text.trim().toLowerCase())
  if (found === null) return undefined
  const [, first, last, ...clock] = found
  const [fromHour, fromMinute, toHour, toMinute] = clock.map(Number) as [number, number, number, number]
  const from = fromHour * 60 + fromMinute
  const to = toHour * 60 + toMinute
  if (fromMinute > 59 || toMinute > 59 || from >= MINUTES_A_DAY || to > MINUTES_A_DAY || from === to) return undefined
  const days = daysBetween(first ?? 'sun', last ?? first ?? 'sat')
  return days === undefined ? undefined : { days, from, to }
}

/** Whether a moment of this machine's local time lies in one of the hours. */
export function isWithinHours(hours: readonly Hours[], now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes()
  const today = now.getDay()
  const yesterday = (today + 6) % 7
  return hours.some(({ days, from, to }) => {
    if (from < to) return days.has(today) && minute >= from && minute < to
    return (days.has(today) && minute >= from) || (days.has(yesterday) && minute < to)
  })
}

function daysBetween(first: string, last: string): ReadonlySet<number> | undefined {
  const [from, to] = [first, last].map((name) => (DAYS as readonly string[]).indexOf(name)) as [number, number]
  if (from < 0 || to < 0) return undefined
  const days = new Set<number>()
  for (let day = from; ; day = (day + 1) % 7) {
    days.add(day)
    if (day === to) return days
  }
}
