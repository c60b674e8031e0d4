/**
 * Everything a device does with others: the connector makes links, a ticket holder's goes to pairing, every other to the
 * sync engine. What a person asks of the network (join, sync, fetch) is answered from these.
 */
import {
  type AbortOptions,
  type Address,
  type ChunkId,
  type ChunkStore,
  type Clock,
  type DeviceKey,
  DittoError,
  type EncodeManifestLeaf,
  type JoinResult,
  type Link,
  type LinkState,
  type Logger,
  type PeerInfo,
  type ProgressOptions,
  type RandomBytes,
  type ReadManifest,
  type SyncOptions,
  type Transport,
  type TransportCapabilities,
  type Unsubscribe,
} from '@dittofs/interface'
import type { Identity } from '@dittofs/link'
import {
  type AskPerson,
  type Memberships,
  missingStatements,
  type RedeemTicketResult,
  statementIds,
  type Ticket,
} from '@dittofs/membership'
import {
  type AnswerEcho,
  type EchoAnswer,
  type EchoQuestion,
  type FileVersionRef,
  type SpacePeer,
  SyncEngine,
  statementExchange,
} from '@dittofs/sync'
import type { Level } from 'level'
import type { Config, FetchPolicy } from '../config/config-schema.ts'
import { Connector } from '../connector/connector.ts'
import type { FetchOptions, LackingFile } from '../content/content-fetcher.ts'
import { parseByteSize } from '../limits/byte-size.ts'
import { diskSpaceOf } from '../limits/disk-reserve.ts'
import type { GrowthBrake } from '../limits/growth-brake.ts'
import { machineBytes } from '../limits/machine-bytes.ts'
import { RoomWatch } from '../limits/room-watch.ts'
import { transferLimits } from '../limits/transfer-limits.ts'
import { joinSpace, redeem } from '../pairing/join-space.ts'
import { Pairings } from '../pairing/pairings.ts'
import type { KeptContent } from '../pins/kept-content.ts'
import type { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { otherMembers } from '../spaces/other-members.ts'
import type { SpaceRegistry } from '../spaces/space-registry.ts'
import { AddressRecords } from './address-records.ts'
import { divergenceNotice, repairNotice } from './describe-divergence.ts'
import { DeviceSecrets } from './device-secrets.ts'
import { EngineFetcher } from './engine-fetcher.ts'
import { untilFirstSession } from './first-session.ts'
import type { KnownStates } from './known-states.ts'
import type { LastSeen } from './last-seen.ts'
import { logBegin, logEnd } from './log-session.ts'
import type { Network } from './network.ts'
import { listPeers } from './peer-list.ts'
import { StoredAddresses } from './stored-addresses.ts'
import { type SyncedPeers, SyncRun } from './sync-run.ts'
import { Traffic } from './traffic.ts'
import { watchForWake } from './wake-watch.ts'

/** 16 bytes, drawn at each start, tell one run of a device from the next (SECURITY.md section 1). */
const INSTANCE_BYTES = 16

export interface OnlineNetworkInit {
  identity: Identity
  /** Directory of the device, on the disk that content comes to. */
  home: string
  memberships: Memberships
  spaces: SpaceRegistry
  kept: Pick<KeptContent, 'choices' | 'promise'>
  growth: Pick<GrowthBrake, 'of'>
  store: ChunkStore
  readManifest: ReadManifest
  encodeLeaf: EncodeManifestLeaf
  database: Level
  transports: readonly Transport[]
  config: Config
  lastSeen: LastSeen
  knownStates: KnownStates
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
  /** Takes the patterns of devices that check what becomes of content here. */
  answerEcho: AnswerEcho
  /** As it is now. */
  deviceName: () => string
  /** Tells a person, now or when they ask next. */
  notify: (text: string) => void
  /** Asks a person here whether to let a newcomer in. */
  confirm: AskPerson
  /** Something that `status` shows is different. */
  onChange: () => void
  /** Content of a space came, or turned out to be wanted. */
  onContent: (space: OpenSpace) => void
}

export class OnlineNetwork implements Network {
  readonly #init: OnlineNetworkInit
  readonly #engine: SyncEngine
  readonly #connector: Connector
  readonly #addresses: AddressRecords
  readonly #fetcher: EngineFetcher
  readonly #traffic = new Traffic()
  readonly #room: RoomWatch
  readonly #stop = new AbortController()
  readonly #pairings: Pairings
  #watching: Promise<void> = Promise.resolve()

  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_USAGE, DITTO_IO */
  static async open(init: OnlineNetworkInit): Promise<OnlineNetwork> {
    const network = new OnlineNetwork(init)
    try {
      await network.#room.start()
      await network.#addresses.load()
      await network.#connector.start()
      network.#watchForWake()
    } catch (error) {
      await network.close()
      throw error
    }
    return network
  }

  constructor(init: OnlineNetworkInit) {
    const { identity, memberships, spaces, kept, store, readManifest, encodeLeaf, clock, randomBytes, logger, config } =
      init
    this.#init = init
    this.#room = new RoomWatch({
      look: () => diskSpaceOf(init.home),
      reserve: config.reserve,
      isLookWanted: config.growth_share > 0,
      clock,
      underWayBytes: () => this.#engine.transferBytes,
      onLook: () => this.#engine.roomChanged(),
    })
    this.#addresses = new AddressRecords({
      ...{ identity, clock, database: init.database },
      isMember: (space, device) => spaces.get(space)?.membership.role(device) !== undefined,
      isKnown: (device) => spaces.all().some(({ membership }) => membership.role(device) !== undefined),
      onNews: () => this.#addressesChanged(),
      onFailure: (error) => logger.warn({ error }, 'The addresses of a device could not be written down.'),
    })
    this.#engine = new SyncEngine({
      ...{ store, readManifest, encodeLeaf, clock, log: logger, limits: transferLimits(config, clock) },
      capabilities: (name) => this.#capabilities(name),
      ...{ profile: config.profile, machineBytes: machineBytes() },
      metered: { files: config.metered, maxFileBytes: parseByteSize(config.metered_file_limit) ?? 0 },
      self: identity.key,
      instance: randomBytes(INSTANCE_BYTES),
      deviceName: init.deviceName,
      room: this.#room,
      addresses: this.#addresses,
      isDialing: () => this.#connector.isDialing,
      answerEcho: init.answerEcho,
      answerKept: async (id, versions) => {
        const space = spaces.get(id)
        return space === undefined ? [] : kept.promise(space, versions)
      },
      statements: statementExchange({ memberships: () => memberships.spaces(), statementIds, missingStatements }),
    })
    this.#fetcher = new EngineFetcher(this.#engine)
    this.#pairings = new Pairings({
      ...{ memberships, clock, logger, notify: init.notify, confirm: init.confirm, deviceName: init.deviceName },
      isAside: (space) => spaces.get(space) === undefined,
      onAdmitted: () => {
        this.secretsChanged()
        init.onChange()
      },
      signal: this.#stop.signal,
    })
    this.#connector = new Connector({
      ...{ identity, clock, randomBytes, logger, transports: init.transports },
      secrets: new DeviceSecrets({ memberships, isKept: (space) => spaces.isOpen(space) }),
      addressBook: new StoredAddresses(init.database),
      listen: { port: config.port, ...(config.host === '' ? {} : { host: config.host }) },
      peerAddresses: config.peers.map((peer) => `tcp://${peer}`),
      onLink: (link) => this.#take(link),
      isAlive: (link) => this.#engine.isLinkAlive(link),
      recordedAddresses: (device) => this.#addresses.addressesOf(device),
      onMoved: () => this.#networkChanged(),
    })
    this.#followEngine()
    for (const space of spaces.all()) this.addSpace(space)
  }

  addSpace(space: OpenSpace, policy: FetchPolicy = this.#init.config.fetch): void {
    const { metadata, membership } = space
    const { kept, growth, identity } = this.#init
    // What a person chose to keep or to leave is chosen of spaces that last.
    const isLasting = this.#init.spaces.get(space.id) !== undefined
    const choices = isLasting ? { choices: kept.choices(space) } : {}
    // What is received once was asked for.
    const brake = isLasting
      ? growth.of({
          space: space.id,
          self: identity.key,
          isMember: (device) => membership.role(device) !== undefined,
          freeBytes: () => this.#room.freeBytes(),
        })
      : undefined
    const decided = { ...choices, ...(brake !== undefined && { growth: brake }) }
    this.#engine.addSpace({ metadata, membership, name: () => space.name, policy, ...decided })
    membership.onChange((removed) => this.#membersChanged(removed))
    this.#connector.secretsChanged()
  }

  async removeSpace(space: OpenSpace): Promise<void> {
    await this.#engine.removeSpace(space.id)
    this.#connector.secretsChanged()
  }

  forgetDevice(device: DeviceKey): void {
    if (this.#otherMembers().has(device)) return
    this.#connector.forget(device, new DittoError('DITTO_CLOSED', 'The transfer is over.'))
  }

  spacePeers(space: OpenSpace): readonly SpacePeer[] {
    return this.#engine.spacePeers(space.id)
  }

  linkTo(device: DeviceKey): { readonly transport: string; readonly isSlow: boolean } | undefined {
    const transport = this.#engine.peers().find(({ peer }) => peer === device)?.transport
    if (transport === undefined) return undefined
    return { transport, isSlow: this.#capabilities(transport)?.isSlow ?? false }
  }

  echo(device: DeviceKey, question: EchoQuestion, options: AbortOptions = {}): Promise<EchoAnswer> {
    return this.#engine.echo(device, question, options)
  }

  onPeerChange(listener: () => void): Unsubscribe {
    return this.#engine.on('peer:change', listener)
  }

  async redeem(ticket: Ticket, progress: ProgressReporter, options: AbortOptions = {}): Promise<RedeemTicketResult> {
    const { memberships, clock, deviceName } = this.#init
    return redeem(
      { connector: this.#connector, memberships, clock, deviceName: deviceName() },
      ticket,
      progress,
      options,
    )
  }

  contentCame(space: OpenSpace): void {
    this.#engine.contentCame(space.id)
  }

  contentLost(space: OpenSpace): void {
    this.#engine.contentLost(space.id)
  }

  choicesChanged(space: OpenSpace): void {
    this.#engine.choicesChanged(space.id)
  }

  askKept(
    space: OpenSpace,
    versions: readonly FileVersionRef[],
    options: AbortOptions = {},
  ): Promise<readonly boolean[] | undefined> {
    return this.#engine.askKept(space.id, versions, options)
  }

  /** Whether this device is about to join a space of the other's. */
  isJoining(device: DeviceKey): boolean {
    return this.#connector.isExpecting(device)
  }

  addresses(): readonly Address[] {
    return this.#connector.addresses()
  }

  links(): readonly LinkState[] {
    return this.#connector.state().links
  }

  peers(): readonly PeerInfo[] {
    return listPeers({
      self: this.#init.identity.key,
      members: this.#otherMembers(),
      connected: this.#engine.peers(),
      problems: this.#connector.state().problems,
      lastSeen: (device) => this.#init.lastSeen.get(device),
    })
  }

  isFetching(space: OpenSpace): boolean {
    return this.#engine.spaceState(space.id)?.isSettled === false
  }

  /** Connections that a transport may spread one busy link over. */
  get connections(): number {
    return this.#engine.connections
  }

  /** At which content of the space comes now. */
  bytesPerSecond(space: OpenSpace): number {
    return this.#engine.spaceState(space.id)?.bytesPerSecond ?? 0
  }

  bytesWaitingForRoom(space: OpenSpace): number {
    const state = this.#engine.spaceState(space.id)
    return state?.isWaitingForRoom === true ? state.missingBytes : 0
  }

  bytesWaitingForLink(space: OpenSpace): number {
    return this.#engine.spaceState(space.id)?.waitingForLinkBytes ?? 0
  }

  traffic(): { readonly sent: number; readonly received: number } {
    return this.#traffic.total()
  }

  ensure(space: OpenSpace, files: readonly LackingFile[], options?: FetchOptions): Promise<number> {
    return this.#fetcher.ensure(space, files, options)
  }

  fetchChunks(space: OpenSpace, ids: readonly ChunkId[], options?: AbortOptions): Promise<number> {
    return this.#fetcher.ensureChunks(space, ids, options)
  }

  async join(ticket: string, options: ProgressOptions = {}): Promise<JoinResult> {
    const { memberships, spaces, clock, deviceName } = this.#init
    const init = { connector: this.#connector, memberships, spaces, clock, deviceName: deviceName() }
    const result = await joinSpace(init, ticket, options)
    this.secretsChanged()
    await untilFirstSession({ engine: this.#engine, clock, stop: this.#stop.signal }, result.space.id, options)
    return result
  }

  sync(options: SyncOptions = {}): Promise<SyncedPeers> {
    const { clock, identity } = this.#init
    return new SyncRun({
      ...{ engine: this.#engine, clock, self: identity.key },
      members: this.#otherMembers(),
      look: () => this.#connector.refresh(),
      problems: () => this.#connector.state().problems,
      traffic: () => this.#traffic.total(),
    }).run(options)
  }

  get isSynced(): boolean {
    return this.#engine.isUpToDate
  }

  async waitUntilSynced(options: AbortOptions = {}): Promise<void> {
    await this.#engine.whenUpToDate(options)
  }

  secretsChanged(): void {
    this.#connector.secretsChanged()
  }

  /** Takes no new link, tells the peers, finishes what arrived. */
  async close(): Promise<void> {
    this.#stop.abort(new DittoError('DITTO_CLOSED', 'The device was closed.'))
    await Promise.all([this.#engine.close(), this.#connector.close(), this.#room.close()])
    await this.#pairings.ended()
    await this.#watching
    await this.#addresses.close()
  }

  /** After a sleep, links are dead without a sign and what failed before says nothing: all is looked at anew at once. */
  #watchForWake(): void {
    const { clock, logger } = this.#init
    const onWake = () => {
      logger.info({}, 'This machine slept; other devices are looked for anew.')
      this.#networkChanged()
      this.#connector.refresh()
    }
    const onLook = () => {
      this.#connector.look()
      this.#addresses.setOwn(this.#connector.addresses())
    }
    onLook()
    this.#watching = watchForWake({ clock, onWake, onLook }, this.#stop.signal)
  }

  #networkChanged(): void {
    for (const transport of this.#init.transports) transport.networkChanged?.()
    this.#engine.probeLinks()
  }

  #addressesChanged(): void {
    if (this.#stop.signal.aborted) return
    this.#engine.addressesChanged()
    this.#connector.addressesLearned()
  }

  #take(link: Link): void {
    this.#traffic.watch(link)
    if (link.match.kind === 'space') {
      this.#engine.attach(link)
      return
    }
    this.#pairings.admit(link)
  }

  #followEngine(): void {
    const { identity, logger, spaces, notify, onChange, onContent } = this.#init
    const seen = (device: DeviceKey) => {
      if (!this.#otherMembers().has(device)) return
      this.#init.lastSeen.note(device).catch((error: unknown) => {
        logger.warn({ error }, 'The time a device was seen could not be written down.')
      })
    }
    this.#engine.on('peer:open', (session) => {
      logBegin(logger, session)
      seen(session.peer)
    })
    this.#engine.on('peer:close', (session, reason) => {
      logEnd(logger, session, reason)
      if (session.peerInstance !== undefined) seen(session.peer)
    })
    this.#engine.on('peer:change', () => {
      this.#noteKnownStates()
      onChange()
    })
    this.#engine.on('space:diverged', (id, peer, divergence) => {
      const name = spaces.get(id)?.name ?? id
      notify(divergenceNotice(name, peer, divergence, identity.key, this.#otherMembers()))
    })
    this.#engine.on('space:repaired', (id, repair) => {
      notify(repairNotice(spaces.get(id)?.name ?? id, repair, this.#otherMembers()))
    })
    this.#engine.on('space:progress', (id) => {
      const space = spaces.get(id)
      if (space !== undefined) onContent(space)
      onChange()
    })
  }

  /** What a peer holds now is what it lacks least when the two meet no more. */
  #noteKnownStates(): void {
    const { spaces, knownStates, logger } = this.#init
    for (const space of spaces.all()) {
      for (const { peer, hasPeerAll } of this.#engine.spacePeers(space.id)) {
        if (!hasPeerAll) continue
        knownStates.note(space.id, peer, space.metadata).catch((error: unknown) => {
          logger.warn({ error }, 'What another device holds could not be written down.')
        })
      }
    }
  }

  #membersChanged(removed: readonly DeviceKey[]): void {
    const stay = this.#otherMembers()
    for (const device of removed) {
      if (stay.has(device)) continue
      this.#connector.disconnect(device, new DittoError('DITTO_NOT_A_MEMBER', 'The device was removed.'))
    }
    this.secretsChanged()
  }

  #capabilities(transport: string): TransportCapabilities | undefined {
    return this.#init.transports.find(({ name }) => name === transport)?.capabilities
  }

  #otherMembers(): ReadonlyMap<DeviceKey, string> {
    return otherMembers(this.#init.spaces.all(), this.#init.identity.key)
  }
}
