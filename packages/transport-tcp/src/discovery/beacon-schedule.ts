/** While a device is new it says so often: a person is waiting for two devices to see each other. */
const FIRST_INTERVAL_MS = 5_000
const FIRST_BEACONS = 12
const MAX_INTERVAL_MS = 30_000
const GROWTH = 1.5
/** Devices switched on together must not go on speaking together. */
const JITTER = 0.2

/**
 * How long to wait after a beacon.
 *
 * @param sent - how many have been sent since the start or the last refresh, 1 at least
 * @param random - evenly from 0 to 1
 * @returns milliseconds: about 5 s at first, growing to about 30 s after the first minute
 */
export function nextBeaconDelayMs(sent: number, random: number): number {
  const growth = GROWTH ** Math.max(0, sent - FIRST_BEACONS)
  return Math.min(FIRST_INTERVAL_MS * growth, MAX_INTERVAL_MS) * (1 - JITTER + 2 * JITTER * random)
}
