const FIRST_DELAY_MS = 1000
const MAX_DELAY_MS = 60_000

/**
 * How long to wait before a server is tried again: doubles from one second to a minute, of which the later half is
 * chance, so that the devices of a server that was restarted do not come back all at once.
 *
 * @param failures - tries in a row that failed, from 1
 * @param random - from 0 to below 1
 */
export function reconnectDelayMs(failures: number, random: number): number {
  const full = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS)
  return full / 2 + (full / 2) * random
}
