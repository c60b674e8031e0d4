import { randomBytes } from 'node:crypto'
import {
  type AbortOptions,
  type Address,
  type Clock,
  type DeviceKey,
  type Discovery,
  DittoError,
  type IncomingSignal,
  isDittoError,
  type Listener,
  type ListenOptions,
  type Logger,
  type RandomBytes,
  type SignalChannel,
  systemClock,
  type Transport,
  type TransportCapabilities,
} from '@dittofs/interface'
import { parseSignalAddress } from '@dittofs/wire'
import { CertificateSource } from './certificate.ts'
import { Gate } from './gate.ts'
import { IceServerChoice } from './ice-server-choice.ts'
import { type IceServer, iceEndpoints } from './ice-servers.ts'
import { decodeLaneMessage, encodeHello, LANE_VERSION, laneError } from './lane-message.ts'
import { PeerSession, type PeerSessionInit, RESTART, unreachable } from './peer-session.ts'
import { probeIceServer } from './probe-ice-server.ts'
import { StripedDuplex } from './striped-duplex.ts'

/** ICE over a slow STUN server and a relay on another continent takes a few seconds. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 30_000
/** Associations of one connection. More brought nothing that could be measured; see docs/decisions/0006-webrtc.md. */
export const DEFAULT_ASSOCIATIONS = 1
/** Bytes after which a connection is worth a further association. */
export const DEFAULT_WIDEN_AFTER_BYTES = 1024 * 1024
const MAX_ASSOCIATIONS = 8
/** Dials on their way at one time: each holds a socket for each address, and handshakes cost processor time. */
const MAX_DIALING = 16
/** Offers of others on their way to a connection, in all and of one device. */
const MAX_ANSWERING = 64
const MAX_ANSWERING_OF_ONE = 24
/** Associations that others opened: sockets and about 150 KB of memory each. */
const MAX_ANSWERED = 512

export interface WebRtcTransportInit {
  /** Carries offers and answers. Opened with the first `listen` or `dial`, closed with the transport. */
  channel: SignalChannel
  /**
   * Asked for each connection; none when absent, so that no server is ever contacted that nobody named. Of several of one
   * kind the first is used that answers.
   */
  iceServers?: () => readonly IceServer[]
  clock?: Clock
  randomBytes?: RandomBytes
  logger?: Logger
  /** Peer connections that a busy connection is spread over. 1 to 8, default 1. A function is asked when one is busy. */
  associations?: number | (() => number)
  /** Bytes after which a connection gets its further associations. */
  widenAfterBytes?: number
  /** Milliseconds until a dial, or the answer to an offer, is given up. */
  connectTimeoutMs?: number
  /** Addresses to offer beside those of the interfaces: loopback addresses, for tests. */
  hostAddresses?: readonly string[]
  /** The addresses of the listener have changed: a signaling server came or went. */
  onAddresses?: () => void
}

export interface WebRtcTransport extends Transport {
  /** The network is another one: every connection looks for a new way. */
  networkChanged(): void
  /** Ends every connection and closes the signal channel. */
  close(): Promise<void>
}

/** Connections over WebRTC data channels. Addresses are those of the signal channel. */
export function webrtcTransport(init: WebRtcTransportInit): WebRtcTransport {
  return new DataChannelTransport(init)
}

function isAssociations(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MAX_ASSOCIATIONS
}

/** Sessions whose end is remembered: a late signal of one must not look like the start of another. */
const MAX_ENDED = 1_024

/** A connection with the token by which further lanes name it. */
interface Connection {
  readonly duplex: StripedDuplex
  readonly token: string
}

class DataChannelTransport implements WebRtcTransport {
  readonly name = 'webrtc'
  readonly capabilities: TransportCapabilities = {
    canListen: true,
    canDial: true,
    canDiscover: false,
    isMetered: false,
    isSlow: false,
    hasServedAddresses: true,
  }
  readonly #init: WebRtcTransportInit
  readonly #clock: Clock
  readonly #randomBytes: RandomBytes
  readonly #logger: Logger | undefined
  readonly #associations: () => number
  readonly #certificates: CertificateSource
  readonly #servers: IceServerChoice
  readonly #dialing = new Gate(MAX_DIALING)
  readonly #sessions = new Map<string, PeerSession>()
  /** Offers of others that are not connections yet. */
  readonly #answering = new Set<PeerSession>()
  /** By token: what a further lane belongs to. */
  readonly #incoming = new Map<string, { readonly duplex: StripedDuplex; readonly device: DeviceKey }>()
  readonly #ended = new Set<string>()
  /** Associations that are gone for their users and still close sockets. */
  readonly #closing = new Set<Promise<void>>()
  #onConnection: ListenOptions['onConnection'] | undefined
  #isOpen = false
  #isClosed = false

  constructor(init: WebRtcTransportInit) {
    const { associations = DEFAULT_ASSOCIATIONS } = init
    this.#init = init
    this.#associations = typeof associations === 'number' ? () => associations : associations
    if (!isAssociations(this.#associations())) throw new RangeError(`associations must be 1 to ${MAX_ASSOCIATIONS}`)
    this.#clock = init.clock ?? systemClock
    this.#randomBytes = init.randomBytes ?? randomBytes
    this.#logger = init.logger
    this.#certificates = new CertificateSource(this.#clock)
    this.#servers = new IceServerChoice({ clock: this.#clock, probe: probeIceServer })
  }

  async listen(options: ListenOptions): Promise<Listener> {
    options.signal?.throwIfAborted()
    this.#mustBeOpen()
    if (this.#onConnection !== undefined) {
      throw new DittoError('DITTO_PORT_IN_USE', 'This device listens for WebRTC connections already.')
    }
    const { onConnection } = options
    this.#onConnection = onConnection
    try {
      await this.#certificates.ready()
      options.signal?.throwIfAborted()
      this.#mustBeOpen()
    } catch (error) {
      this.#onConnection = undefined
      throw error
    }
    this.#openChannel()
    return {
      addresses: () => this.#init.channel.addresses(),
      close: async () => {
        if (this.#onConnection === onConnection) this.#onConnection = undefined
      },
    }
  }

  async dial(address: Address, options: AbortOptions = {}): Promise<StripedDuplex> {
    parseSignalAddress(address)
    const { signal } = options
    signal?.throwIfAborted()
    await this.#certificates.ready()
    signal?.throwIfAborted()
    this.#mustBeOpen()
    this.#openChannel()
    const connection: Connection = {
      duplex: this.#duplex(() => void this.#widen(connection, address)),
      token: this.#hex(16),
    }
    await this.#dialLane(connection, address, 0, signal)
    return connection.duplex
  }

  async discover(): Promise<Discovery> {
    throw new DittoError('DITTO_UNSUPPORTED', 'WebRTC finds no devices by itself; it needs their addresses.')
  }

  networkChanged(): void {
    this.#certificates.renew()
    this.#servers.forget()
    if (this.#isOpen) this.#init.channel.networkChanged()
    for (const session of this.#sessions.values()) session.restart()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#onConnection = undefined
    const reason = new DittoError('DITTO_CLOSED', 'The device is stopping.')
    for (const session of this.#sessions.values()) {
      session.abort(reason, !session.association.isOpen)
      this.#awaitEnd(session)
    }
    await Promise.all(this.#closing)
    if (this.#isOpen) await this.#init.channel.close()
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new DittoError('DITTO_CLOSED', 'The WebRTC transport has been closed.')
  }

  #openChannel(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    this.#init.channel.open({
      onSignal: (signal) => this.#receive(signal),
      onChange: () => this.#init.onAddresses?.(),
    })
  }

  #duplex(onBusy: () => void): StripedDuplex {
    const after = this.#init.widenAfterBytes ?? DEFAULT_WIDEN_AFTER_BYTES
    let isBusy = false
    return new StripedDuplex({
      onTraffic: (bytes) => {
        if (isBusy || bytes < after) return
        isBusy = true
        onBusy()
      },
    })
  }

  /** Opens the further lanes of a connection that has much to carry; without them it goes on as it is. */
  async #widen(connection: Connection, address: Address): Promise<void> {
    try {
      const associations = this.#associations()
      for (let index = 1; index < associations && !connection.duplex.destroyed; index++) {
        await this.#dialLane(connection, address, index, undefined)
      }
    } catch (error) {
      this.#logger?.debug({ error }, 'A WebRTC connection gets no further association.')
    }
  }

  /** Makes a peer connection, says hello over it, waits for the other's hello, and adds it to the connection. */
  async #dialLane(
    connection: Connection,
    remote: Address,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const leave = await this.#dialing.enter({ ...(signal === undefined ? {} : { signal }) })
    let session: PeerSession | undefined
    const abort = () => session?.abort(signal?.reason, true)
    try {
      this.#mustBeOpen()
      await new Promise<void>((resolve, reject) => {
        session = this.#session({
          id: this.#hex(16),
          remote,
          isDialer: true,
          onOpen: (opened) => {
            const { association } = opened
            association.listener = {
              onMessage: (message) => {
                try {
                  checkHello(message)
                  opened.settle()
                  connection.duplex.addLane(association)
                  resolve()
                } catch (error) {
                  opened.abort(error, false)
                }
              },
              onRoom: () => undefined,
              onClose: () => undefined,
            }
            association.send(encodeHello(index, connection.token))
          },
          onClose: (_, reason) => reject(reason),
        })
        signal?.addEventListener('abort', abort, { once: true })
        session.start()
      })
    } catch (error) {
      signal?.throwIfAborted()
      throw isDittoError(error, 'DITTO_PEER_UNREACHABLE') || isDittoError(error, 'DITTO_LIMIT')
        ? error
        : unreachable('No connection to the other device came about.', error)
    } finally {
      signal?.removeEventListener('abort', abort)
      leave()
    }
  }

  #receive(signal: IncomingSignal): void {
    const session = this.#sessions.get(signal.session)
    if (session !== undefined) session.receive(signal, signal.device)
    else if (signal.kind === 'offer') void this.#answer(signal)
    // Anything else is of a session that is over or never was.
  }

  async #answer(offer: IncomingSignal): Promise<void> {
    const ofOne = [...this.#answering].filter(({ device }) => device === offer.device).length
    const isFull =
      this.#answering.size >= MAX_ANSWERING || ofOne >= MAX_ANSWERING_OF_ONE || this.#sessions.size >= MAX_ANSWERED
    const isLate = offer.body === RESTART || this.#ended.has(offer.session)
    if (this.#onConnection === undefined || isFull || isLate) {
      const end = { session: offer.session, kind: 'end', body: '' } as const
      await this.#init.channel.send(offer.from, end).catch(() => undefined)
      return
    }
    const session = this.#session({
      id: offer.session,
      remote: offer.from,
      device: offer.device,
      isDialer: false,
      onOpen: (opened) => {
        opened.association.listener = {
          onMessage: (message) => this.#greet(opened, offer.device, message),
          onRoom: () => undefined,
          onClose: () => undefined,
        }
      },
      onClose: (closed) => this.#answering.delete(closed),
    })
    this.#answering.add(session)
    session.receive(offer, offer.device)
  }

  /** The first message of a lane that somebody else opened says what it belongs to. */
  #greet(session: PeerSession, device: DeviceKey, message: Buffer): void {
    const { association } = session
    try {
      const { index, token } = checkHello(message)
      this.#answering.delete(session)
      session.settle()
      const known = this.#incoming.get(token)
      if (index === 0 && known === undefined) {
        association.send(encodeHello(0, token))
        this.#accept(session, device, token)
      } else if (index > 0 && known?.device === device && known.duplex.laneCount < MAX_ASSOCIATIONS) {
        association.send(encodeHello(index, token))
        known.duplex.addLane(association)
      } else throw laneError('A lane belongs to no connection.')
    } catch (error) {
      session.abort(error, false)
    }
  }

  #accept(session: PeerSession, device: DeviceKey, token: string): void {
    const onConnection = this.#onConnection
    if (onConnection === undefined) throw unreachable('This device does not listen any more.')
    const duplex = this.#duplex(() => undefined)
    this.#incoming.set(token, { duplex, device })
    duplex.once('close', () => this.#incoming.delete(token))
    duplex.addLane(session.association)
    onConnection({ duplex, remote: session.remote })
  }

  #session(init: Pick<PeerSessionInit, 'id' | 'remote' | 'device' | 'isDialer' | 'onOpen' | 'onClose'>): PeerSession {
    const session = new PeerSession({
      ...init,
      certificate: this.#certificates.current,
      iceServers: () => this.#servers.choose(iceEndpoints(this.#init.iceServers?.() ?? [])),
      hostAddresses: this.#init.hostAddresses ?? [],
      clock: this.#clock,
      logger: this.#logger,
      timeoutMs: this.#init.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      send: (signal) => this.#init.channel.send(init.remote, signal),
      onClose: (closed, reason) => {
        this.#sessions.delete(init.id)
        this.#rememberEnd(init.id)
        this.#awaitEnd(closed)
        init.onClose(closed, reason)
      },
    })
    this.#sessions.set(init.id, session)
    return session
  }

  #awaitEnd({ association }: PeerSession): void {
    const closing = association.close(false).finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  #rememberEnd(id: string): void {
    this.#ended.add(id)
    const [oldest] = this.#ended
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest)
  }

  #hex(size: number): string {
    return Buffer.from(this.#randomBytes(size)).toString('hex')
  }
}

/** @throws DittoError DITTO_PROTOCOL, DITTO_PROTOCOL_VERSION */
function checkHello(bytes: Buffer): { index: number; token: string } {
  const message = decodeLaneMessage(bytes)
  if (message.type !== 'hello') throw laneError('A lane began without a hello.')
  if (message.version !== LANE_VERSION) {
    throw new DittoError('DITTO_PROTOCOL_VERSION', 'The other device speaks another version of the WebRTC framing.')
  }
  return message
}
