import type { Address, DeviceKey } from '@dittofs/interface'

/**
 * Dials under way at once. Each holds a socket, and a TLS handshake at both ends; the other end lets 16 strangers from
 * one address in at a time, and half of them may be ours.
 */
export const MAX_DIALS = 8
/** The first pause after a failure; it doubles with each further one. */
export const MIN_DIAL_DELAY_MS = 1_000
export const MAX_DIAL_DELAY_MS = 5 * 60_000
/** Two devices that failed to reach each other at the same moment do not try again at the same moment. */
const JITTER = 0.25

/** Somewhere a device may be: addresses that belong together, on one transport. */
export interface DialTarget {
  readonly id: string
  readonly transport: string
  readonly addresses: readonly Address[]
  /** Who is, or was, there, where that is known. */
  readonly device: DeviceKey | undefined
  readonly isDialing: boolean
  /** How often it failed since it last worked or since there was news of it. */
  readonly failures: number
  /** When it may be dialled next, in milliseconds of the monotonic clock. */
  readonly nextAt: number
}

export interface DialState {
  readonly targets: Iterable<DialTarget>
  /** Whether a link to the device runs over the transport. */
  isConnected(transport: string, device: DeviceKey): boolean
}

export interface DialPlan {
  /** Targets to dial now, by ID, the most promising first. */
  readonly dial: readonly string[]
  /** When to plan again if nothing happens until then; `undefined`: when something happens. */
  readonly wakeAt: number | undefined
}

/** Decides whom to dial now. Nobody who is connected on that transport, nobody twice at once, and not all at once. */
export function planDials(state: DialState, now: number): DialPlan {
  const targets = [...state.targets]
  const dialling = targets.filter((target) => target.isDialing)
  const busy = new Set(dialling.flatMap(({ transport, device }) => (device ? [`${transport} ${device}`] : [])))
  const waiting = targets
    .filter(({ isDialing, addresses, transport, device }) => {
      if (isDialing || addresses.length === 0) return false
      return device === undefined || !state.isConnected(transport, device)
    })
    .sort((a, b) => a.failures - b.failures || a.nextAt - b.nextAt)
  const dial: string[] = []
  let wakeAt: number | undefined
  for (const { id, transport, device, nextAt } of waiting) {
    if (nextAt > now) {
      wakeAt = Math.min(wakeAt ?? nextAt, nextAt)
      continue
    }
    // A dial that ends makes a new plan: who has to wait for one needs no time to wake up at.
    const key = device && `${transport} ${device}`
    if (dialling.length + dial.length >= MAX_DIALS || (key !== undefined && busy.has(key))) continue
    dial.push(id)
    if (key !== undefined) busy.add(key)
  }
  return { dial, wakeAt }
}

/**
 * How long to leave a target alone after it failed.
 *
 * @param failures - 1 at least
 * @param random - evenly from 0 to 1
 * @returns milliseconds: about 1 s, 2 s, 4 s and so on, to about 5 min
 */
export function dialDelayMs(failures: number, random: number): number {
  const delayMs = Math.min(MIN_DIAL_DELAY_MS * 2 ** Math.min(failures - 1, 20), MAX_DIAL_DELAY_MS)
  return Math.min(delayMs * (1 - JITTER + 2 * JITTER * random), MAX_DIAL_DELAY_MS)
}
