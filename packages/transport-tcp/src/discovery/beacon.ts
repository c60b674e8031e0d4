import type { RemoteInfo, Socket } from 'node:dgram'
import type { DiscoveryState } from '@dittofs/interface'
import { broadcastAddresses, linkLocalZones, type NetworkInterfaces, onLinkChecker } from '../interfaces.ts'
import { formatTcpAddress, plainHost } from '../tcp-address.ts'
import { decodeBeacon, encodeBeacon } from './beacon-packet.ts'
import { nextBeaconDelayMs } from './beacon-schedule.ts'
import type { DiscoveryPart, DiscoveryPartInit } from './discovery-part.ts'
import { PacketGate } from './packet-gate.ts'
import { RecentSet } from './recent-set.ts'
import { closeSocket, explainSocketError, openUdpSocket, sendDatagram } from './udp-socket.ts'

/** The UDP port of beacons, the same on every device. Not among those that systems give out by themselves. */
export const BEACON_PORT = 27_177
/** A link-local group without an owner (RFC 4291, 2.7): IPv6 knows no broadcast. */
const BEACON_GROUP = 'ff12::d177:f5'
/** Answers to new devices and refreshes: never more often, so that nobody can make a device shout. */
const MIN_INTERVAL_MS = 1_000
/** Devices that hear the same newcomer do not all answer in the same moment. */
const MAX_ANSWER_DELAY_MS = 250
/** A network of 200 devices that all speak at once is heard out; parsing one takes microseconds. */
const PACKETS = { perSecond: 200, burst: 400 }
/** Announcements heard lately, which are not worth an answer. */
const MAX_HEARD = 512

/** Small datagrams to every neighbour: broadcast over IPv4, link-local multicast over IPv6. */
export class Beacon implements DiscoveryPart {
  readonly #init: DiscoveryPartInit
  readonly #gate: PacketGate
  readonly #heard = new RecentSet(MAX_HEARD)
  readonly #stop = new AbortController()
  #v4: Socket | undefined
  #v6: Socket | undefined
  #v6Zones = new Set<string>()
  #interfaces: NetworkInterfaces = {}
  /** Why a socket could not be opened, though the other one may be enough. */
  #openProblem: string | undefined
  #problem: string | undefined = 'it is starting'
  #sent = 0
  #sentAt = Number.NEGATIVE_INFINITY
  /** Ends the pause between two beacons early. */
  #pause = new AbortController()
  #speaking: Promise<void> | undefined

  constructor(init: DiscoveryPartInit) {
    this.#init = init
    this.#gate = new PacketGate({ clock: init.clock, ...PACKETS })
  }

  state(): DiscoveryState {
    const name = 'beacon'
    const problem = this.#problem
    return problem === undefined
      ? { name, isUp: true }
      : { name, isUp: false, reason: `UDP port ${this.#init.udpPort}: ${problem}.` }
  }

  async follow(interfaces: NetworkInterfaces): Promise<void> {
    this.#interfaces = interfaces
    this.#gate.setNeighbourhood(onLinkChecker(interfaces))
    await this.#open()
    if (this.#stop.signal.aborted) return
    this.#joinGroups(linkLocalZones(interfaces))
    if (this.#speaking !== undefined) return
    // The first one goes out before anybody asks whether the beacon is up.
    await this.#send()
    this.#speaking ??= this.#speak()
  }

  refresh(): void {
    this.#sent = 0
    this.#pause.abort()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#pause.abort()
    this.#problem = 'it was closed'
    await this.#speaking
    for (const socket of [this.#v4, this.#v6]) if (socket !== undefined) await closeSocket(socket)
  }

  async #open(): Promise<void> {
    const attempt = async (type: 'udp4' | 'udp6') => {
      try {
        return await openUdpSocket({
          type,
          port: this.#init.udpPort,
          onMessage: (message, source) => this.#receive(message, source),
          onError: (error) => this.#init.logger?.debug({ error }, 'A beacon socket reported an error.'),
        })
      } catch (error) {
        failures.push(error as Error)
        return undefined
      }
    }
    const failures: Error[] = []
    if (this.#v4 === undefined) {
      this.#v4 = await attempt('udp4')
      this.#v4?.setBroadcast(true)
    }
    // Machines without IPv6 are common: the beacon is down only when IPv4 does not work either.
    this.#v6 ??= await attempt('udp6')
    if (this.#stop.signal.aborted) await this.close()
    this.#openProblem = failures[0] && explainSocketError(failures[0])
  }

  #joinGroups(zones: readonly string[]): void {
    for (const zone of this.#v6Zones) if (!zones.includes(zone)) this.#v6Zones.delete(zone)
    for (const zone of zones) {
      if (this.#v6Zones.has(zone)) continue
      try {
        this.#v6?.addMembership(BEACON_GROUP, `::%${zone}`)
        this.#v6Zones.add(zone)
      } catch (error) {
        // Joined before, when the interface came back under its old name; sending works in any case.
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') this.#v6Zones.add(zone)
      }
    }
  }

  async #speak(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const delayMs = nextBeaconDelayMs(this.#sent, this.#random())
      const isEarly = await this.#sleep(delayMs, this.#pause.signal)
      if (isEarly) {
        const quietMs = this.#sentAt + MIN_INTERVAL_MS - this.#init.clock.monotonic()
        await this.#sleep(Math.max(quietMs, 0) + this.#random() * MAX_ANSWER_DELAY_MS, this.#stop.signal)
        this.#pause = new AbortController()
      }
      if (!this.#stop.signal.aborted) await this.#send()
    }
  }

  /** @returns whether the signal ended it */
  async #sleep(delayMs: number, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#init.clock.sleep(delayMs, { signal })
    } catch {
      return true
    }
    return false
  }

  async #send(): Promise<void> {
    const packet = encodeBeacon({ port: this.#init.port, ...this.#init.announcement() })
    this.#sentAt = this.#init.clock.monotonic()
    this.#sent++
    const { udpPort } = this.#init
    const v4 = this.#v4
    const v6 = this.#v6
    const outcomes = await Promise.all([
      ...(v4 ? broadcastAddresses(this.#interfaces).map((address) => sendDatagram(v4, packet, udpPort, address)) : []),
      ...(v6 ? [...this.#v6Zones].map((zone) => sendDatagram(v6, packet, udpPort, `${BEACON_GROUP}%${zone}`)) : []),
    ])
    const failures = outcomes.filter((error) => error !== undefined)
    if (outcomes.length === 0) this.#problem = this.#openProblem ?? 'no network with broadcast is connected'
    else if (failures.length === outcomes.length) this.#problem = explainSocketError(failures[0]!)
    else this.#problem = undefined
  }

  #receive(message: Buffer, source: RemoteInfo): void {
    if (!this.#gate.admits(message, source)) return
    const packet = decodeBeacon(message)
    if (packet === undefined || this.#init.isOwn(packet.nonce)) return
    const { port, nonce, tags } = packet
    const address = formatTcpAddress({ host: plainHost(source.address), port })
    this.#init.onSighting({ nonce, tags, addresses: [address], via: 'beacon' })
    // To all again, not to the sender alone: one datagram in is at most one round out, and at most one a second.
    if (this.#heard.add(`${address} ${Buffer.from(nonce).toString('hex')}`)) this.#pause.abort()
  }

  #random(): number {
    return Buffer.from(this.#init.randomBytes(4)).readUInt32BE() / 2 ** 32
  }
}
