const NS_PER_MS = 1_000_000n
/** The last moment that an HTTP date with its four digits can tell, and the first. */
const MAX_MS = Date.UTC(9999, 11, 31, 23, 59, 59)
const MIN_MS = Date.UTC(0, 0, 1)

/** Nanoseconds since the Unix epoch as an HTTP date (RFC 9110 5.6.7), rounded down to the second. */
export function formatHttpDate(timeNs: bigint): string {
  return new Date(clampMs(timeNs)).toUTCString()
}

/** Nanoseconds since the Unix epoch as RFC 3339, for `creationdate`. */
export function formatIsoDate(timeNs: bigint): string {
  return new Date(clampMs(timeNs)).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Milliseconds since the Unix epoch, whole seconds; `undefined` for what is no date. */
export function parseHttpDate(header: string): number | undefined {
  // Only the three forms of RFC 9110, which all begin with a day of the week: Date.parse alone takes nearly anything.
  if (header.length > 64 || !/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(header)) return undefined
  const time = Date.parse(/GMT|UTC/.test(header) ? header : `${header} GMT`)
  return Number.isNaN(time) ? undefined : time
}

/** Milliseconds since the Unix epoch of an HTTP or an RFC 3339 date: clients send both as properties. */
export function parseAnyDate(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(trimmed)) {
    const time = Date.parse(trimmed)
    return Number.isNaN(time) ? undefined : time
  }
  return parseHttpDate(trimmed)
}

function clampMs(timeNs: bigint): number {
  const milliseconds = Number(timeNs / NS_PER_MS)
  return Math.min(Math.max(milliseconds, MIN_MS), MAX_MS)
}
