import { type Address, compareLinks, type DeviceKey, type RankedTransport } from '@dittofs/interface'

/**
 * Dials under way at once over one transport, so that slow ones hold up no others. Each holds a socket, and a TLS handshake at both ends; the other end lets 16 strangers from
 * one address in at a time, and half of them may be ours.
 */
export const MAX_DIALS = 8
/** The first pause after a failure; it doubles with each further one. */
export const MIN_DIAL_DELAY_MS = 1_000
export const MAX_DIAL_DELAY_MS = 5 * 60_000
/** Two devices that failed to reach each other at the same moment do not try again at the same moment. */
const JITTER = 0.25

/** So long a better transport is tried alone: over a LAN it takes far less, and then the worse one is not needed. */
export const HEAD_START_MS = 1_000

/** Somewhere a device may be: addresses that belong together, on one transport. */
export interface DialTarget {
  readonly id: string
  readonly transport: string
  readonly addresses: readonly Address[]
  /** Who is, or was, there, where that is known. */
  readonly device: DeviceKey | undefined
  readonly isDialing: boolean
  /** When the last dial began, in milliseconds of the monotonic clock. */
  readonly dialledAt: number
  /** How often it failed since it last worked or since there was news of it. */
  readonly failures: number
  /** When it may be dialled next, in milliseconds of the monotonic clock. */
  readonly nextAt: number
}

export interface DialState {
  readonly targets: Iterable<DialTarget>
  /** The transport of the best link to the device that is up. */
  bestLink(device: DeviceKey): RankedTransport | undefined
  /** What a transport can do; `undefined` for one that cannot dial here. */
  transport(name: string): RankedTransport | undefined
}

export interface DialPlan {
  /** Targets to dial now, by ID, the most promising first. */
  readonly dial: readonly string[]
  /** When to plan again if nothing happens until then; `undefined`: when something happens. */
  readonly wakeAt: number | undefined
}

/**
 * Decides whom to dial now: nobody over a transport that is no better than that of a link that is up, nobody twice at
 * once over one transport, not all at once, and over the better transport first.
 */
export function planDials(state: DialState, now: number): DialPlan {
  const targets = [...state.targets]
  const dialling = targets.filter((target) => target.isDialing)
  const busy = new Set(dialling.flatMap(({ transport, device }) => (device ? [`${transport} ${device}`] : [])))
  const dials = new Map<string, number>()
  const count = (transport: string) => dials.set(transport, (dials.get(transport) ?? 0) + 1)
  for (const { transport } of dialling) count(transport)
  const waiting = targets
    .filter((target) => isWanted(target, state))
    .sort((a, b) => a.failures - b.failures || a.nextAt - b.nextAt)
  const rivals = byDevice([...waiting, ...dialling])
  const dial: string[] = []
  let wakeAt: number | undefined
  for (const target of waiting) {
    const { id, transport, device } = target
    const startAt = Math.max(target.nextAt, headStartUntil(target, rivals, state, now))
    if (startAt > now) {
      wakeAt = Math.min(wakeAt ?? startAt, startAt)
      continue
    }
    // A dial that ends makes a new plan: who has to wait for one needs no time to wake up at.
    const key = device && `${transport} ${device}`
    if ((dials.get(transport) ?? 0) >= MAX_DIALS || (key !== undefined && busy.has(key))) continue
    dial.push(id)
    count(transport)
    if (key !== undefined) busy.add(key)
  }
  return { dial, wakeAt }
}

function isWanted({ isDialing, addresses, transport, device }: DialTarget, state: DialState): boolean {
  const own = state.transport(transport)
  if (isDialing || addresses.length === 0 || own === undefined) return false
  const best = device && state.bestLink(device)
  return best === undefined || compareLinks(own, best) < 0
}

function byDevice(targets: readonly DialTarget[]): ReadonlyMap<DeviceKey, readonly DialTarget[]> {
  const found = new Map<DeviceKey, DialTarget[]>()
  for (const target of targets) {
    if (target.device === undefined) continue
    const known = found.get(target.device)
    if (known === undefined) found.set(target.device, [target])
    else known.push(target)
  }
  return found
}

/** Until when a target leaves its device to those over better transports. Those that have failed get no head start. */
function headStartUntil(
  { transport, device }: DialTarget,
  rivals: ReadonlyMap<DeviceKey, readonly DialTarget[]>,
  state: DialState,
  now: number,
): number {
  const own = state.transport(transport)
  let until = now
  for (const rival of (device && rivals.get(device)) ?? []) {
    const other = state.transport(rival.transport)
    if (own === undefined || other === undefined || rival.failures > 0 || compareLinks(other, own) >= 0) continue
    const startsAt = rival.isDialing ? rival.dialledAt : Math.max(rival.nextAt, now)
    if (startsAt < now + HEAD_START_MS) until = Math.max(until, startsAt + HEAD_START_MS)
  }
  return until
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
