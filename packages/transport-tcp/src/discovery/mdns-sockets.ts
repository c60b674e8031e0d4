import type { RemoteInfo, Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { isIPv4 } from 'node:net'
import { type Clock, type Logger, TokenBucket } from '@dittofs/interface'
import {
  type InterfaceAddress,
  linkLocalZones,
  type NetworkInterfaces,
  onLinkChecker,
  usableAddresses,
} from '../interfaces.ts'
import { PacketGate } from './packet-gate.ts'
import { closeSocket, explainSocketError, openUdpSocket, sendDatagram } from './udp-socket.ts'

const GROUP_V4 = '224.0.0.251'
const GROUP_V6 = 'ff02::fb'
/** RFC 6762, section 11: so that a receiver can tell that no router has passed it on. */
const MULTICAST_TTL = 255
/** What a device has reason to send: a few queries and answers when something changes. */
const SENDS_PER_SECOND = 5
const SEND_BURST = 20
/** A question costs an answer to the whole network. */
const MAX_QUESTIONS = 8
/** Time grows with their square: 64 took the library 4.2 ms, 32 took 1.6. An announcement has 4, and its addresses. */
const MAX_RECORDS = 40
/** At worst a tenth of a core. */
const PACKETS = { perSecond: 50, burst: 100 }
const DNS_HEADER_BYTES = 12
const SERVICE_LABEL = Buffer.from('\x08_dittofs', 'latin1')

export interface MdnsSocketsInit {
  udpPort: number
  clock: Clock
  logger: Logger | undefined
}

/**
 * Multicast on every interface, in the shape of the one `dgram.Socket` that the mDNS library works with.
 *
 * The library alone would send on one interface only, answer any number of questions, and end the process by an error
 * event nobody listens for, or by what its own listeners throw on odd packets: here nothing is thrown, what is sent
 * is limited, and only neighbours' packets that speak of our service reach it.
 */
export class MdnsSockets extends EventEmitter {
  readonly #init: MdnsSocketsInit
  readonly #gate: PacketGate
  readonly #sends: TokenBucket
  /** Hears what is sent to the IPv4 group, whichever interface it came in by. */
  #receiver: Socket | undefined
  readonly #joined = new Map<string, string>()
  /** One for each IPv4 address, bound to it: a socket sends multicast on one interface only. */
  readonly #senders = new Map<string, Socket>()
  #v6: Socket | undefined
  readonly #v6Zones = new Set<string>()
  #isClosed = false
  #openProblem: string | undefined = 'it is starting'
  #sendProblem: string | undefined

  constructor(init: MdnsSocketsInit) {
    super()
    this.#init = init
    this.#gate = new PacketGate({ clock: init.clock, ...PACKETS })
    this.#sends = new TokenBucket(SENDS_PER_SECOND, SEND_BURST, init.clock.monotonic())
  }

  /** Why nothing is heard or sent, in words; `undefined` when all is well on one interface at least. */
  get problem(): string | undefined {
    return this.#openProblem ?? this.#sendProblem
  }

  /** Opens and joins what is new, closes what has gone. Never rejects. */
  async follow(interfaces: NetworkInterfaces): Promise<void> {
    this.#gate.setNeighbourhood(onLinkChecker(interfaces))
    const addresses = usableAddresses(interfaces).filter((entry) => entry.family === 'IPv4')
    const failures: Error[] = []
    const attempt = async (action: () => void | Promise<void>) => {
      try {
        if (!this.#isClosed) await action()
      } catch (error) {
        failures.push(error as Error)
      }
    }
    await attempt(async () => {
      this.#receiver ??= await this.#open('udp4')
    })
    this.#leaveGone(addresses)
    for (const entry of addresses) {
      await attempt(() => this.#join(entry))
      await attempt(() => this.#openSender(entry.address))
    }
    await attempt(() => this.#followV6(linkLocalZones(interfaces)))
    if (this.#isClosed) await this.#closeAll()
    else if (this.#senders.size + this.#v6Zones.size > 0 && this.#joined.size + this.#v6Zones.size > 0) {
      this.#openProblem = undefined
    } else {
      this.#openProblem = failures[0] ? explainSocketError(failures[0]) : 'no network with multicast is connected'
    }
  }

  /** As `dgram.Socket.send` is called by the library: to the group, on every interface. */
  send(
    message: Buffer,
    offset: number,
    length: number,
    port: number,
    _address: string,
    callback: () => void = () => undefined,
  ): void {
    if (this.#isClosed || !this.#sends.take(1, this.#init.clock.monotonic())) {
      process.nextTick(callback)
      return
    }
    const bytes = message.subarray(offset, offset + length)
    const v6 = this.#v6
    const sending = [
      ...[...this.#senders.values()].map((sender) => sendDatagram(sender, bytes, port, GROUP_V4)),
      ...(v6 ? [...this.#v6Zones].map((zone) => sendDatagram(v6, bytes, port, `${GROUP_V6}%${zone}`)) : []),
    ]
    void Promise.all(sending).then((outcomes) => {
      const failures = outcomes.filter((error) => error !== undefined)
      const hasFailed = failures.length > 0 && failures.length === outcomes.length
      this.#sendProblem = hasFailed ? explainSocketError(failures[0]!) : undefined
      callback()
    })
  }

  /** As `dgram.Socket.address`. */
  address(): { address: string; family: string; port: number } {
    return { address: '0.0.0.0', family: 'IPv4', port: this.#init.udpPort }
  }

  close(callback: () => void = () => undefined): void {
    this.#isClosed = true
    this.#openProblem = 'it was closed'
    this.removeAllListeners()
    void this.#closeAll().then(callback)
  }

  async #open(type: 'udp4' | 'udp6', address?: string): Promise<Socket> {
    const socket = await openUdpSocket({
      type,
      port: this.#init.udpPort,
      ...(address === undefined ? {} : { address }),
      onMessage: (message, source) => this.#receive(message, source),
      onError: (error) => this.#init.logger?.debug({ error }, 'An mDNS socket reported an error.'),
    })
    socket.setMulticastTTL(MULTICAST_TTL)
    socket.setMulticastLoopback(true)
    return socket
  }

  #leaveGone(addresses: readonly InterfaceAddress[]): void {
    const current = new Set(addresses.map((entry) => entry.address))
    for (const [name, address] of this.#joined) {
      if (current.has(address)) continue
      this.#joined.delete(name)
      try {
        this.#receiver?.dropMembership(GROUP_V4, address)
      } catch {
        // The membership went with the interface.
      }
    }
    for (const [address, sender] of this.#senders) {
      if (current.has(address)) continue
      this.#senders.delete(address)
      void closeSocket(sender)
    }
  }

  /** Once for each interface: the system counts memberships by interface, not by address. */
  #join({ name, address }: InterfaceAddress): void {
    if (this.#receiver === undefined || this.#joined.has(name)) return
    this.#receiver.addMembership(GROUP_V4, address)
    this.#joined.set(name, address)
  }

  async #openSender(address: string): Promise<void> {
    if (this.#senders.has(address)) return
    const sender = await this.#open('udp4', address)
    sender.setMulticastInterface(address)
    this.#senders.set(address, sender)
  }

  async #followV6(zones: readonly string[]): Promise<void> {
    for (const zone of this.#v6Zones) if (!zones.includes(zone)) this.#v6Zones.delete(zone)
    if (zones.length === 0) return
    this.#v6 ??= await this.#open('udp6')
    for (const zone of zones) {
      if (this.#v6Zones.has(zone)) continue
      try {
        this.#v6.addMembership(GROUP_V6, `::%${zone}`)
      } catch (error) {
        // Joined before, when the interface came back under its old name.
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      }
      this.#v6Zones.add(zone)
    }
  }

  async #closeAll(): Promise<void> {
    const sockets = [this.#receiver, this.#v6, ...this.#senders.values()]
    this.#receiver = undefined
    this.#v6 = undefined
    this.#senders.clear()
    for (const socket of sockets) if (socket !== undefined) await closeSocket(socket)
  }

  #receive(message: Buffer, source: RemoteInfo): void {
    if (this.#isClosed || !speaksOfUs(message) || !this.#gate.admits(message, source)) return
    try {
      this.emit('message', message, { ...source, family: isIPv4(source.address) ? 'IPv4' : 'IPv6' })
    } catch (error) {
      this.#init.logger?.debug({ error }, 'The mDNS library could not read a packet.')
    }
  }
}

/** A cheap look before anything is decoded (RFC 1035, 4.1.1: counts of questions and of three kinds of records). */
function speaksOfUs(message: Buffer): boolean {
  if (message.length < DNS_HEADER_BYTES || !message.includes(SERVICE_LABEL)) return false
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
  return message.readUInt16BE(4) <= MAX_QUESTIONS && records <= MAX_RECORDS
}
