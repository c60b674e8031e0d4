import {
  type Clock,
  compareLinks,
  type DeviceKey,
  DittoError,
  type Link,
  type RankedTransport,
} from '@dittofs/interface'
import type { Session } from './session.ts'

/** Links one device may have at once, and devices: each costs file descriptors and buffers. */
const MAX_LINKS_PER_PEER = 4
const MAX_PEERS = 256
/** How long a link may take to prove that it lives, before another takes its place; a slow one has more before it. */
const ALIVE_TIMEOUT_MS = 5000
const SLOW_ALIVE_TIMEOUT_MS = 30_000
/** A link in use over which nothing that was asked for came for so long is looked at, where another stands by. */
const SILENT_MS = 5000
/** How long a metered link stands by: long enough for a device at the edge of a network, too short to cost much. */
const METERED_STANDBY_MS = 60_000

export interface SessionTableInit {
  /** This device. */
  self: DeviceKey
  clock: Clock
  /** What the transport of a link can do. */
  transportOf: (session: Session) => RankedTransport
}

/**
 * The sessions with all devices. A device may be reached over several links; the session over the best that is ready is
 * in use, the others stand by.
 */
export class SessionTable {
  readonly #init: SessionTableInit
  readonly #sessions = new Set<Session>()
  readonly #inUse = new Map<DeviceKey, Session>()
  readonly #standbySince = new Map<Session, number>()
  readonly #probes = new Map<Session, Promise<boolean>>()

  constructor(init: SessionTableInit) {
    this.#init = init
  }

  get size(): number {
    return this.#sessions.size
  }

  all(): readonly Session[] {
    return [...this.#sessions]
  }

  /** The session with each device that does the work; before any is ready, the first that is open. */
  main(): readonly Session[] {
    const main = new Map<DeviceKey, Session>()
    for (const session of this.#sessions) {
      if (session.isOpen && !main.has(session.peer)) main.set(session.peer, this.#inUse.get(session.peer) ?? session)
    }
    return [...main.values()]
  }

  /** The session in use with a device. */
  inUse(peer: DeviceKey): Session | undefined {
    return this.#inUse.get(peer)
  }

  /** The other open sessions of the same device, over the best transport first. */
  besides(session: Session): readonly Session[] {
    return this.#of(session.peer).filter((other) => other !== session && other.isOpen)
  }

  /** @returns why the session cannot stay, if it cannot */
  add(session: Session): DittoError | undefined {
    this.#sessions.add(session)
    const peers = new Set(this.all().map(({ peer }) => peer))
    if (this.#of(session.peer).length <= MAX_LINKS_PER_PEER && peers.size <= MAX_PEERS) return undefined
    return new DittoError('DITTO_BUSY', 'This device has too many links.')
  }

  delete(session: Session): void {
    this.#sessions.delete(session)
    this.#standbySince.delete(session)
  }

  /**
   * Decides which links of one device over one transport stay. Another run of it replaces the one before, unless that is
   * still alive: then two devices use one identity. Of two links of one run over the same transport the one dialled by
   * the lower key stays, on both sides; of two dialled by the same side, the newer, by that side's choice.
   */
  async admit(session: Session): Promise<void> {
    for (const other of this.all()) {
      if (other === session || other.peer !== session.peer || other.peerInstance === undefined) continue
      if (Buffer.compare(other.peerInstance, session.peerInstance ?? Buffer.of()) !== 0) {
        if (await other.isAlive(ALIVE_TIMEOUT_MS)) {
          const error = new DittoError(
            'DITTO_IDENTITY_CLONED',
            'Two running devices use the same identity: one home is a copy of the other. Give one of them a new home.',
          )
          await other.end(error)
          throw error
        }
        await other.end()
      } else if (other.link.transport !== session.link.transport) {
      } else if (other.link.isInitiator === session.link.isInitiator) {
        if (session.link.isInitiator) await other.end()
      } else {
        const isOwnLower = this.#init.self < session.peer
        await (session.link.isInitiator === isOwnLower ? other : session).end()
      }
    }
  }

  /** Puts the best link to a device to use, before the one that was is left: the work never has nobody to go to. */
  choose(peer: DeviceKey): void {
    const best = this.#of(peer).find((session) => session.isReady)
    const current = this.#inUse.get(peer)
    const now = this.#init.clock.monotonic()
    for (const session of this.#of(peer)) {
      if (session === best) this.#standbySince.delete(session)
      else if (best !== undefined && !this.#standbySince.has(session)) this.#standbySince.set(session, now)
    }
    if (best === current) return
    if (best === undefined) this.#inUse.delete(peer)
    else this.#inUse.set(peer, best)
    best?.setInUse(true)
    current?.setInUse(false)
  }

  /**
   * The peer speaks over a link that is not the best one here. It may not know of the better one yet; or that is dead
   * without our knowing, and until that is clear it is spoken over both.
   */
  async peerPrefers(session: Session): Promise<void> {
    const current = this.#inUse.get(session.peer)
    if (current === undefined || this.#compare(current, session) >= 0) return
    if (await this.#probe(current)) session.beQuiet()
  }

  /** Whether the peer answers over a link, or anything else comes over it, within a few seconds. */
  async isAlive(link: Link): Promise<boolean> {
    const session = this.all().find((candidate) => candidate.link === link)
    if (session === undefined) return false
    const before = link.bytesReceived
    return (await session.isAlive(ALIVE_TIMEOUT_MS)) || link.bytesReceived !== before
  }

  /** This device slept, or moved: ends the sessions whose peers do not answer any more. */
  probeAll(): void {
    for (const session of this.#sessions) if (session.isOpen) void this.#probe(session)
  }

  /** Looks after links that hold up work, and closes those that cost something and are not needed. */
  tick(): void {
    const now = this.#init.clock.monotonic()
    for (const session of this.all()) {
      const { requester } = session
      const isSilent = requester.inFlightBytes > 0 && now - requester.lastAnswerAt > SILENT_MS
      if (session.isInUse && isSilent && this.besides(session).some(({ isReady }) => isReady)) void this.#probe(session)
      const since = this.#standbySince.get(session)
      if (since !== undefined && requester.isMetered && now - since >= METERED_STANDBY_MS) void session.end()
    }
  }

  /** @returns whether the peer answers; if not, the session is ended */
  #probe(session: Session): Promise<boolean> {
    const running = this.#probes.get(session)
    if (running !== undefined) return running
    const probe = this.#look(session).finally(() => this.#probes.delete(session))
    this.#probes.set(session, probe)
    return probe
  }

  async #look(session: Session): Promise<boolean> {
    const { isSlow } = this.#init.transportOf(session)
    const before = session.link.bytesReceived
    const isAlive = await session.isAlive(isSlow ? SLOW_ALIVE_TIMEOUT_MS : ALIVE_TIMEOUT_MS)
    // The answer may stand behind much else that is on its way.
    if (isAlive || session.link.bytesReceived !== before) return !session.isOver
    await session.end(new DittoError('DITTO_LINK_TIMEOUT', 'The peer does not answer over this link any more.'))
    return false
  }

  /** Sessions of a device, over the best transport first; of one transport, the older first. */
  #of(peer: DeviceKey): readonly Session[] {
    return this.all()
      .filter((session) => session.peer === peer)
      .sort((first, second) => this.#compare(first, second))
  }

  #compare(first: Session, second: Session): number {
    return compareLinks(this.#init.transportOf(first), this.#init.transportOf(second))
  }
}
