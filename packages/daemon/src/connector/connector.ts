import { setMaxListeners } from 'node:events'
import {
  type Address,
  type Clock,
  type DeviceKey,
  DittoError,
  type IncomingDuplex,
  type Link,
  type LinkState,
  type Logger,
  type RandomBytes,
  type Sighting,
  type Transport,
} from '@dittofs/interface'
import {
  acceptLink,
  type ConnectionGate,
  connectionGate,
  connectLink,
  type Identity,
  type KnockKey,
  matchFindTags,
} from '@dittofs/link'
import type { AddressBook } from './address-book.ts'
import type { ConnectorSecrets } from './connector-secrets.ts'
import { DialTable, transportOf } from './dial-table.ts'
import { dialTicket, type TicketDial } from './dial-ticket.ts'
import { Dialler, transportFor } from './dialler.ts'
import { KnownAddresses } from './known-addresses.ts'
import { LinkTable } from './link-table.ts'
import { listeningAddresses } from './listening-addresses.ts'
import { OwnAnnouncement } from './own-announcement.ts'
import { Presence } from './presence.ts'

/** A link that ends sooner was refused by the peer's session, which a dial alone cannot know. */
const MIN_LINK_LIFE_MS = 10_000
/** Announcements remembered, for a ticket that is redeemed, or a space that is joined, after they were heard. */
const MAX_RECENT_SIGHTINGS = 64

export interface ConnectorInit {
  identity: Identity
  transports: readonly Transport[]
  secrets: ConnectorSecrets
  addressBook: AddressBook
  /** Where a device says that it can be reached, as others passed it on; nowhere when absent. */
  recordedAddresses?: (device: DeviceKey) => readonly Address[]
  /** The addresses of this device are others than before: links may be dead without our knowing. */
  onMoved?: () => void
  /**
   * Gets each link to use, those of ticket holders included. At most one to each device over each transport is open:
   * where a better one replaces another, that one ends after the call.
   */
  onLink: (link: Link) => void
  /** Whether the device at the other end of a link that `onLink` got still answers; taken for granted when absent. */
  isAlive?: (link: Link) => Promise<boolean>
  /** Where to listen, on transports that can; nowhere when absent. */
  listen?: { port: number; host?: string }
  /** Addresses given by a person. */
  peerAddresses?: readonly Address[]
  clock: Clock
  randomBytes: RandomBytes
  gate?: ConnectionGate
  logger?: Logger
}

export interface ConnectorState {
  /** Transports, and means of discovery: up, or down and why. */
  readonly links: readonly LinkState[]
  /** For each device wanted and not connected, why, in a sentence. */
  readonly problems: ReadonlyMap<DeviceKey, string>
}

/**
 * Keeps a link to every device that shares a space with this one: listens, announces, hears announcements, and dials
 * whom it may reach better than it does. What comes of it are authenticated links; it never looks into them.
 */
export class Connector {
  readonly #init: ConnectorInit
  readonly #transports: ReadonlyMap<string, Transport>
  readonly #gate: ConnectionGate
  readonly #table: DialTable
  readonly #links: LinkTable
  readonly #announcement: OwnAnnouncement
  readonly #presence: Presence
  readonly #known: KnownAddresses
  readonly #dialler: Dialler
  /** Devices that are dialled wherever they are known to be. */
  #followed: ReadonlySet<DeviceKey> = new Set()
  /** The target each open link was dialled for. */
  readonly #origins = new WeakMap<Link, string>()
  readonly #recentSightings: Sighting[] = []
  readonly #sightingListeners = new Set<(sighting: Sighting) => void>()
  readonly #tasks = new Set<Promise<void>>()
  /** Who made the tickets that are dialled now. */
  readonly #expected = new Set<DeviceKey>()
  /** Where servers make this device reachable, when it was last looked. */
  #knownServed = ''
  readonly #stop = new AbortController()

  constructor(init: ConnectorInit) {
    this.#init = init
    // One for each connection that is being opened: the gate and the plan limit them.
    setMaxListeners(0, this.#stop.signal)
    this.#transports = new Map(init.transports.map((transport) => [transport.name, transport]))
    this.#gate = init.gate ?? connectionGate({ clock: init.clock })
    this.#table = new DialTable(() => this.#random())
    this.#links = new LinkTable({
      self: init.identity.key,
      clock: init.clock,
      onLink: init.onLink,
      isAlive: async (link) => init.isAlive?.(link) ?? true,
      onLost: (link, livedMs) => this.#lost(link, livedMs),
    })
    this.#presence = new Presence({
      listen: init.listen,
      announcement: () => this.#announcement.get(),
      onConnection: (transport, incoming) => this.#track(this.#accept(transport, incoming)),
      onSighting: (sighting) => this.#sighted(sighting),
      signal: this.#stop.signal,
    })
    this.#announcement = new OwnAnnouncement({
      clock: init.clock,
      randomBytes: init.randomBytes,
      findKeys: () => init.secrets.findKeys().map(({ key }) => key),
      addresses: () => listeningAddresses(this.#presence.listeners, this.#transports, 'place'),
      onMoved: () => {
        this.#dialAnew()
        init.onMoved?.()
      },
    })
    this.#known = new KnownAddresses({
      addressBook: init.addressBook,
      recorded: (device) => init.recordedAddresses?.(device) ?? [],
      onFailure: (error) =>
        init.logger?.warn({ reason: describe(error) }, 'The address of a device could not be remembered.'),
    })
    this.#dialler = new Dialler({
      transports: this.#transports,
      table: this.#table,
      clock: init.clock,
      connectedBy: (device) => this.#links.transports(device),
      knockKeys: () => init.secrets.knockKeys(),
      connect: (address, knockKeys, signal) =>
        this.#connect(address, knockKeys, (match, peer) => this.#accepts(match, peer), signal),
      onLink: (link, target, address) => this.#dialled(link, target, address),
    })
  }

  /**
   * Begins to listen, to announce and to dial. A transport that this machine does not have is left out; `state` says
   * why.
   *
   * @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_USAGE, DITTO_IO; call `close` then
   */
  async start(): Promise<void> {
    await this.#known.load()
    for (const transport of this.#transports.values()) await this.#presence.listen(transport)
    this.#announcement.begin()
    for (const address of this.#init.peerAddresses ?? []) this.#table.addConfigured(address, this.#now())
    this.#followPeers()
    for (const transport of this.#transports.values()) await this.#presence.discover(transport)
    this.#track(this.#dialler.run(this.#stop.signal))
  }

  /** Every address that others may dial, now and later. */
  addresses(): readonly Address[] {
    return listeningAddresses(this.#presence.listeners, this.#transports, 'lasting')
  }

  /** Whether a connection is being opened to anybody. */
  get isDialing(): boolean {
    return this.#dialler.isDialing
  }

  /** Looks for everybody now, whatever has failed so far. */
  refresh(): void {
    this.#presence.refresh()
    this.#dialAnew()
  }

  /** Looks whether this device has other addresses than before. */
  look(): void {
    const served = [...listeningAddresses(this.#presence.listeners, this.#transports, 'served')].sort().join(' ')
    // By a server that is back, others can be reached again; the links there are have nothing to do with it.
    if (served !== this.#knownServed) this.#dialAnew()
    this.#knownServed = served
    this.#announcement.look()
  }

  /** It became known where other devices say they are. */
  addressesLearned(): void {
    this.#followPeers()
    this.#dialler.plan()
  }

  /** Spaces, members or tickets are others than before. */
  secretsChanged(): void {
    this.#followPeers()
    for (const sighting of [...this.#recentSightings]) this.#consider(sighting)
    this.#presence.refresh()
    this.#dialler.plan()
  }

  /** Ends all links to a device at once, and dials it no more unless it is wanted again. */
  disconnect(device: DeviceKey, reason: Error): void {
    this.#table.forget(device)
    this.#links.drop(device, reason)
  }

  /** As {@link Connector.disconnect}, and remembers no more where the device was. */
  forget(device: DeviceKey, reason: Error): void {
    this.disconnect(device, reason)
    this.#known.forget(device)
  }

  /**
   * Opens a link to the device that made a ticket. It is the caller's alone: `onLink` does not hear of it.
   *
   * @throws DittoError DITTO_PEER_UNREACHABLE
   */
  async dialTicket(options: TicketDial): Promise<Link> {
    this.#expected.add(options.expected)
    try {
      return await this.#dialTicket(options)
    } finally {
      this.#expected.delete(options.expected)
    }
  }

  /** Whether the device's ticket is being redeemed here. */
  isExpecting(device: DeviceKey): boolean {
    return this.#expected.has(device)
  }

  async #dialTicket(options: TicketDial): Promise<Link> {
    const knockKeys = [options.knockKey]
    const link = await dialTicket(
      {
        clock: this.#init.clock,
        connect: (address, signal) =>
          this.#connect(address, knockKeys, (_match, peer) => peer === options.expected, signal),
        listen: (onSighting) => {
          this.#sightingListeners.add(onSighting)
          for (const sighting of [...this.#recentSightings]) onSighting(sighting)
          this.#presence.refresh()
          return () => this.#sightingListeners.delete(onSighting)
        },
        canHear: () => this.#presence.canHear,
      },
      options,
    )
    this.#remember(link.peer, link.remote)
    return link
  }

  state(): ConnectorState {
    const problems = this.#init.secrets.peers().flatMap(({ key }): [DeviceKey, string][] => {
      if (key === this.#init.identity.key || this.#links.isConnected(key)) return []
      const problem = this.#table.problemOf(key)
      if (problem !== undefined) return [[key, problem]]
      return this.#table.hasTarget(key) ? [] : [[key, 'It has not been seen on any network yet.']]
    })
    return { links: this.#presence.states(), problems: new Map(problems) }
  }

  /** Stops listening and dialling, and closes all links. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort(new DittoError('DITTO_CLOSED', 'The device is shutting down.'))
    this.#dialler.plan()
    await this.#presence.close()
    await Promise.all(this.#tasks)
    await this.#links.close()
    await this.#known.close()
  }

  #dialAnew(): void {
    this.#restartAll()
    this.#dialler.plan()
  }

  async #accept(transport: Transport, { duplex, remote }: IncomingDuplex): Promise<void> {
    try {
      const link = await acceptLink({
        ...this.#linkInit(transport),
        duplex,
        remote,
        gate: this.#gate,
        knockKeys: () => this.#init.secrets.knockKeys(),
        accept: (match, peer) => this.#accepts(match, peer),
        signal: this.#stop.signal,
      })
      if (link.match.kind === 'space') this.#table.called(remote, link.peer, this.#now())
      this.#links.add(link)
    } catch (error) {
      this.#init.logger?.debug({ remote, reason: describe(error) }, 'A connection was refused.')
    }
  }

  async #connect(
    address: Address,
    knockKeys: readonly KnockKey[],
    accept: ConnectorSecrets['accept'],
    signal: AbortSignal,
  ): Promise<Link> {
    const transport = transportFor(this.#transports, address)
    const duplex = await transport.dial(address, { signal })
    return connectLink({ ...this.#linkInit(transport), duplex, remote: address, knockKeys, accept, signal })
  }

  #linkInit(transport: Transport) {
    const { identity, clock, randomBytes } = this.#init
    return { transport: transport.name, identity, clock, randomBytes, isSlow: transport.capabilities.isSlow }
  }

  #accepts(...[match, peer]: Parameters<ConnectorSecrets['accept']>): boolean {
    return peer !== this.#init.identity.key && this.#init.secrets.accept(match, peer)
  }

  #dialled(link: Link, target: string, address: Address): void {
    this.#origins.set(link, target)
    this.#remember(link.peer, address)
    if (this.#stop.signal.aborted) void link.close()
    else this.#links.add(link)
  }

  #sighted(sighting: Sighting): void {
    const isKnown = this.#recentSightings.findIndex(({ nonce }) => Buffer.compare(nonce, sighting.nonce) === 0)
    if (isKnown >= 0) this.#recentSightings.splice(isKnown, 1)
    this.#recentSightings.push(sighting)
    if (this.#recentSightings.length > MAX_RECENT_SIGHTINGS) this.#recentSightings.shift()
    for (const listener of [...this.#sightingListeners]) listener(sighting)
    if (this.#consider(sighting)) this.#dialler.plan()
  }

  /** @returns whether there is somebody new to dial */
  #consider(sighting: Sighting): boolean {
    const findKeys = this.#init.secrets.findKeys().filter(({ match }) => match.kind === 'space')
    const matches = matchFindTags(
      findKeys.map(({ key }) => key),
      sighting.nonce,
      sighting.tags,
    )
    if (matches.length === 0) return false
    const spaces = matches.map((index) => findKeys[index]!.match.name)
    return this.#table.addSighting(sighting, spaces, this.#announcement.comesBefore(sighting.nonce), this.#now())
  }

  #followPeers(): void {
    const wanted = new Set<DeviceKey>()
    for (const { key, spaces } of this.#init.secrets.peers()) {
      if (key === this.#init.identity.key) continue
      wanted.add(key)
      this.#table.setRemembered(key, this.#known.of(key), spaces, this.#now())
    }
    for (const device of this.#followed) if (!wanted.has(device)) this.#table.forget(device)
    this.#followed = wanted
  }

  #remember(device: DeviceKey, address: Address): void {
    if (this.#transports.get(transportOf(address))?.capabilities.hasFleetingAddresses === true) return
    if (!this.#known.reached(device, address)) return
    const peer = this.#init.secrets.peers().find(({ key }) => key === device)
    if (peer !== undefined) this.#table.setRemembered(device, this.#known.of(device), peer.spaces, this.#now())
  }

  #lost(link: Link, livedMs: number): void {
    const origin = this.#origins.get(link)
    if (origin !== undefined && livedMs < MIN_LINK_LIFE_MS) {
      this.#table.failed(origin, 'The other device ended the connection at once.', this.#now())
    } else {
      this.#table.lost(link.peer, this.#now())
    }
    this.#dialler.plan()
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  #restartAll(): void {
    this.#table.restartAll(this.#now(), (device, transport) => this.#links.transports(device).includes(transport))
  }

  #now(): number {
    return this.#init.clock.monotonic()
  }

  #random(): number {
    return Buffer.from(this.#init.randomBytes(4)).readUInt32BE() / 2 ** 32
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
