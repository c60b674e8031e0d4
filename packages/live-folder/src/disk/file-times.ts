/**
 * A time for Node's `utimes` calls. They take seconds as a double and keep whole microseconds of them (libuv 1.46), so
 * that is how exact a file's time can be set; half a microsecond more keeps rounding from taking one away.
 */
export function fileTime(timeNs: bigint): number | Date {
  // Node takes a negative number of seconds for "now", but not a Date before 1970.
  if (timeNs < 0n) return new Date(Number(timeNs / 1_000_000n))
  return (Number(timeNs / 1000n) + 0.5) / 1e6
}
