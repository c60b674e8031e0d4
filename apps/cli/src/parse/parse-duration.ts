import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `1h`, `7d` as milliseconds; a number alone is seconds. */
export function parseDuration(text: string): number {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)\s*([smhd]?)$/.exec(text.trim())
  if (found === null) throw new InvalidArgumentError('A time is written like 90s, 30m, 1h or 7d.')
  return Math.round(Number(found[1]) * (UNITS[found[2] || 's'] as number))
}
