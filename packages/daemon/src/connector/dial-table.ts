import type { Address, DeviceKey, Sighting } from '@dittofs/interface'
import { type DialTarget, dialDelayMs, MIN_DIAL_DELAY_MS } from './dial-plan.ts'

/** Sightings kept to dial; past it the one heard longest ago goes. */
const MAX_SIGHTINGS = 512
/** An announcement is renewed every 10 minutes: what was not heard for longer is gone or goes by another nonce. */
const SIGHTING_TTL_MS = 15 * 60_000
const MAX_ADDRESSES = 8
/** A place where a device was met is taken for that device this long; then somebody else may be there. */
const PLACE_TTL_MS = 60 * 60_000
const MAX_PLACES = 1_024
/** Of two devices that hear each other one dials at once and the other only if nothing came of that. */
const YIELD_MS = 2_000
/**
 * Whoever has just connected from the same host is probably the one that was heard, so dialling it can wait; it is not
 * left out, for several devices may run on one host.
 */
const PROBABLY_CONNECTED_MS = 60_000
/** Nobody but this device or its owner says that all is worth another try, so a failure a moment ago hardly holds it up. */
const MIN_ASKED_DELAY_MS = 250
/** All who hear a newcomer do not dial it in the same moment. */
const SPREAD_MS = 250

interface Target extends DialTarget {
  /** Names of the spaces whose secret may be shared with whoever is there; `undefined`: any. */
  spaces: readonly string[] | undefined
  device: DeviceKey | undefined
  /** Who is there, unless several devices run on that host: it has connected from there. */
  probably: DeviceKey | undefined
  addresses: readonly Address[]
  isDialing: boolean
  dialledAt: number
  failures: number
  nextAt: number
  problem: string | undefined
  /** When it failed last: news about it, which anybody may make up, is no reason to dial it without a pause. */
  failedAt: number
  /** When it was heard last; `undefined` for targets that do not depend on being heard. */
  heardAt: number | undefined
}

export type { Target as KnownTarget }

/** Everywhere a device may be dialled, and how that went: from configuration, from memory, from announcements. */
export class DialTable {
  readonly #targets = new Map<string, Target>()
  readonly #places = new Map<Address, { device: DeviceKey; at: number }>()
  readonly #random: () => number

  /** @param random - evenly from 0 to 1 */
  constructor(random: () => number) {
    this.#random = random
  }

  targets(): Iterable<Target> {
    return this.#targets.values()
  }

  get(id: string): Target | undefined {
    return this.#targets.get(id)
  }

  /** An address a person gave. */
  addConfigured(address: Address, now: number): void {
    this.#put(`configured ${address}`, transportOf(address), [address], now)
  }

  /** Where a device was reached before, the best address first. Addresses that are new are tried at once. */
  setRemembered(device: DeviceKey, addresses: readonly Address[], spaces: readonly string[], now: number): void {
    const byTransport = new Map<string, Address[]>()
    for (const address of addresses) {
      const transport = transportOf(address)
      byTransport.set(transport, [...(byTransport.get(transport) ?? []), address])
    }
    for (const [transport, ofTransport] of byTransport) {
      const target = this.#put(`remembered ${transport} ${device}`, transport, ofTransport, now)
      target.device = device
      target.spaces = spaces
    }
  }

  forget(device: DeviceKey): void {
    for (const [id, target] of this.#targets) if (target.device === device) this.#targets.delete(id)
  }

  /**
   * An announcement by somebody who shares a space. Heard again it is no news, unless its addresses have changed.
   *
   * @param isFirst - whether this device, not the other, is the one to dial at once
   * @returns whether it was news
   */
  addSighting(sighting: Sighting, spaces: readonly string[], isFirst: boolean, now: number): boolean {
    this.#prune(now)
    let isNews = false
    for (const transport of new Set(sighting.addresses.map(transportOf))) {
      const id = `seen ${transport} ${Buffer.from(sighting.nonce).toString('hex')}`
      const known = this.#targets.get(id)
      const heard = sighting.addresses.filter((address) => transportOf(address) === transport)
      const addresses = [...new Set([...(known?.addresses ?? []), ...heard])].slice(0, MAX_ADDRESSES)
      const startAt = now + this.#random() * SPREAD_MS + (isFirst ? 0 : YIELD_MS)
      isNews ||= addresses.length !== known?.addresses.length
      const target = this.#put(id, transport, addresses, startAt)
      target.spaces = spaces
      target.heardAt = now
      for (const address of addresses) target.device ??= this.#deviceAt(address, now)
      // The order of the map is the order in which they were heard.
      this.#targets.delete(id)
      this.#targets.set(id, target)
    }
    return isNews
  }

  /** A dial begins. */
  began(target: Target, now: number): void {
    target.isDialing = true
    target.dialledAt = now
  }

  /** A dial ended in a link. */
  succeeded(id: string, address: Address, device: DeviceKey, now: number): void {
    this.#places.delete(address)
    this.#places.set(address, { device, at: now })
    if (this.#places.size > MAX_PLACES) this.#places.delete(this.#places.keys().next().value as Address)
    const target = this.#targets.get(id)
    if (target === undefined) return
    target.isDialing = false
    target.problem = undefined
    target.device = device
  }

  failed(id: string, problem: string, now: number): void {
    const target = this.#targets.get(id)
    if (target === undefined) return
    target.isDialing = false
    target.problem = problem
    target.failedAt = now
    target.failures++
    target.nextAt = now + dialDelayMs(target.failures, this.#random())
  }

  /** Somebody has connected to this device: those heard on that host and not dialled yet are probably that one. */
  called(from: Address, device: DeviceKey, now: number): void {
    const host = hostOf(from)
    for (const target of this.#targets.values()) {
      if (target.heardAt === undefined || target.device !== undefined || target.isDialing) continue
      if (!target.addresses.some((address) => hostOf(address) === host)) continue
      target.nextAt = Math.max(target.nextAt, now + PROBABLY_CONNECTED_MS)
      target.probably = device
    }
  }

  /** A link that had worked is gone: everywhere the device may be is worth a try now. */
  lost(device: DeviceKey, now: number): void {
    for (const target of this.#targets.values()) {
      if (target.device !== device && target.probably !== device) continue
      target.probably = undefined
      restart(target, now + this.#random() * SPREAD_MS)
    }
  }

  /**
   * This device has moved, or slept, or a person asked: what failed so far says nothing any more.
   *
   * @param isConnected - whether a device has a link over a transport; then it needs no dial to find out that it is there
   */
  restartAll(now: number, isConnected: (device: DeviceKey, transport: string) => boolean): void {
    for (const target of this.#targets.values()) {
      if (target.probably !== undefined && isConnected(target.probably, target.transport)) continue
      restart(target, now + this.#random() * SPREAD_MS, MIN_ASKED_DELAY_MS)
    }
  }

  /** Whatever was said last about a device that could not be reached. */
  problemOf(device: DeviceKey): string | undefined {
    const known = [...this.#targets.values()].filter((target) => target.device === device)
    return known.map((target) => target.problem).findLast((problem) => problem !== undefined)
  }

  hasTarget(device: DeviceKey): boolean {
    return [...this.#targets.values()].some((target) => target.device === device)
  }

  #put(id: string, transport: string, addresses: readonly Address[], nextAt: number): Target {
    const known = this.#targets.get(id)
    if (known !== undefined) {
      if (!isSame(known.addresses, addresses)) restart(known, Math.min(nextAt, known.nextAt))
      known.addresses = addresses
      return known
    }
    const target: Target = {
      id,
      transport,
      addresses,
      spaces: undefined,
      device: undefined,
      probably: undefined,
      isDialing: false,
      dialledAt: Number.NEGATIVE_INFINITY,
      failures: 0,
      nextAt,
      problem: undefined,
      failedAt: Number.NEGATIVE_INFINITY,
      heardAt: undefined,
    }
    this.#targets.set(id, target)
    return target
  }

  #deviceAt(address: Address, now: number): DeviceKey | undefined {
    const place = this.#places.get(address)
    return place !== undefined && now - place.at < PLACE_TTL_MS ? place.device : undefined
  }

  #prune(now: number): void {
    const heard = [...this.#targets.values()].filter((target) => target.heardAt !== undefined && !target.isDialing)
    const surplus = heard.length - MAX_SIGHTINGS + 1
    heard.forEach((target, index) => {
      if (index < surplus || now - target.heardAt! > SIGHTING_TTL_MS) this.#targets.delete(target.id)
    })
  }
}

/** The name of the transport an address belongs to: its scheme. */
export function transportOf(address: Address): string {
  return address.split('://')[0]!
}

/** An address without its port. */
function hostOf(address: Address): string {
  return address.replace(/:\d+$/, '')
}

/** @param pauseMs - how long after it failed last it is left alone all the same */
function restart(target: Target, nextAt: number, pauseMs = MIN_DIAL_DELAY_MS): void {
  target.failures = 0
  target.nextAt = Math.max(nextAt, target.failedAt + pauseMs)
}

function isSame(first: readonly Address[], second: readonly Address[]): boolean {
  return first.length === second.length && first.every((address) => second.includes(address))
}
