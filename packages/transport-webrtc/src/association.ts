import { type RTCCertificate, type RTCDataChannel, RTCPeerConnection } from 'werift'
import type { IceCandidateSignal } from './ice-candidate.ts'
import type { ChosenServers } from './ice-server-choice.ts'
import type { Lane, LaneListener } from './lane.ts'
import { MAX_LANE_MESSAGE_BYTES } from './lane-message.ts'
import { formatSdp, parseSdp } from './sdp.ts'
import {
  dropSockets,
  guardIce,
  guardSctp,
  iceOf,
  isAcknowledged,
  sctpOf,
  useRelays,
  useServers,
} from './werift-internals.ts'

/** Room is announced when the queue has fallen to this. */
const LOW_QUEUE_BYTES = 64 * 1024
/** How long a graceful end waits for the other side's acknowledgement. */
const LINGER_MS = 5_000
/** How long werift may take to close its sockets; a TURN server that is gone must not hold anything up. */
const CLOSE_MS = 3_000
const LABEL = 'dittofs'

export interface AssociationInit {
  isDialer: boolean
  certificate: RTCCertificate
  /** The servers to ask, each time candidates are to be gathered. */
  iceServers: () => Promise<ChosenServers>
  /** Addresses of this machine to offer beside those of its interfaces: the loopback ones are not among them. */
  hostAddresses: readonly string[]
  /** A candidate of this side; `undefined` when there are no more. */
  onCandidate: (candidate: { candidate: string; ufrag: string | undefined } | undefined) => void
  /** The data channel is open. */
  onOpen: () => void
  /** ICE has lost the other side; a restart may find it again. */
  onLost: () => void
  /** The association is gone; called once. */
  onClose: (reason: unknown) => void
}

/** One peer connection of werift with its one data channel, made safe and given the form of a lane. */
export class Association implements Lane {
  listener: LaneListener | undefined
  readonly #init: AssociationInit
  readonly #connection: RTCPeerConnection
  #channel: RTCDataChannel | undefined
  #isGuarded = false
  #isOpen = false
  #closing: Promise<void> | undefined
  /** Messages that came before anybody listened: the first ones of a lane, bounded by the SCTP window. */
  #early: Buffer[] = []

  constructor(init: AssociationInit) {
    this.#init = init
    this.#connection = new RTCPeerConnection({
      iceAdditionalHostAddresses: [...init.hostAddresses],
      certificates: [init.certificate],
      codecs: { audio: [], video: [] },
      maxMessageSize: MAX_LANE_MESSAGE_BYTES,
    })
    this.#connection.onIceCandidate.subscribe((candidate) => {
      const ice = iceOf(this.#connection)
      if (ice !== undefined) useRelays(ice)
      init.onCandidate(
        candidate?.candidate === undefined ? undefined : { candidate: candidate.candidate, ufrag: ice?.localUsername },
      )
    })
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'failed') this.#failed()
    })
    if (init.isDialer) {
      this.#use(this.#connection.createDataChannel(LABEL))
      this.#guard()
    } else {
      this.#connection.onDataChannel.subscribe((channel) => {
        if (this.#channel === undefined) this.#use(channel)
        else void this.#gone(new Error('the other side opened a second data channel'))
      })
    }
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#closing === undefined
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Grows whenever anything arrives, consent answers included (every 5 s while the path works). */
  get activity(): number {
    const pair = iceOf(this.#connection)?.nominated
    return pair === undefined ? 0 : pair.packetsReceived + pair.responsesReceived
  }

  /** Makes an offer, for a restart with new ICE parameters; gathering starts with {@link gather}. */
  async offer(isRestart: boolean): Promise<string> {
    if (isRestart) await this.#dropSockets()
    await this.#chooseServers()
    const { sdp } = await this.#connection.createOffer({ iceRestart: isRestart })
    this.#local = { type: 'offer', sdp }
    return sdp
  }

  /** Takes an offer and makes the answer to it. @throws DittoError DITTO_PROTOCOL */
  async answer(offer: string): Promise<string> {
    const session = parseSdp(offer)
    if (this.#isOpen) await this.#dropSockets()
    await this.#connection.setRemoteDescription({ type: 'offer', sdp: formatSdp(session) })
    this.#guard()
    this.#remoteUfrag = session.iceUfrag
    await this.#chooseServers()
    const { sdp } = await this.#connection.createAnswer()
    this.#local = { type: 'answer', sdp }
    return sdp
  }

  /** Takes the answer to the last offer. @throws DittoError DITTO_PROTOCOL */
  async accept(answer: string): Promise<void> {
    const session = parseSdp(answer)
    this.#remoteUfrag = session.iceUfrag
    await this.#connection.setRemoteDescription({ type: 'answer', sdp: formatSdp(session) })
    this.#resume()
  }

  /** Starts gathering candidates for the description made last, and, after an answer, the checks. */
  async gather(): Promise<void> {
    const description = this.#local
    this.#local = undefined
    if (description === undefined || this.isClosed) return
    await this.#connection.setLocalDescription(description)
    if (description.type === 'answer') this.#resume()
  }

  async addCandidate(signal: IceCandidateSignal | undefined): Promise<void> {
    if (signal?.ufrag !== undefined && this.#remoteUfrag !== undefined && signal.ufrag !== this.#remoteUfrag) return
    await this.#connection.addIceCandidate({ candidate: signal?.candidate ?? '', sdpMLineIndex: 0 })
  }

  get maxMessageBytes(): number {
    const theirs = sctpOf(this.#connection)?.remoteMaxMessageSize ?? 0
    return theirs === 0 ? MAX_LANE_MESSAGE_BYTES : Math.min(theirs, MAX_LANE_MESSAGE_BYTES)
  }

  get queuedBytes(): number {
    return this.#channel?.bufferedAmount ?? 0
  }

  send(message: Buffer): void {
    if (this.isOpen) this.#channel?.send(message)
  }

  /** Hands on what came before there was a listener. */
  replayEarly(): void {
    const early = this.#early
    this.#early = []
    for (const message of early) this.listener?.onMessage(message)
  }

  close(isGraceful: boolean): Promise<void> {
    return this.#gone(undefined, isGraceful)
  }

  #local: { type: 'offer' | 'answer'; sdp: string } | undefined
  #remoteUfrag: string | undefined

  #guard(): void {
    const ice = iceOf(this.#connection)
    const sctp = sctpOf(this.#connection)
    if (this.#isGuarded || ice === undefined || sctp === undefined) return
    this.#isGuarded = true
    guardIce(ice)
    guardSctp(
      sctp,
      () => iceOf(this.#connection),
      (reason) => void this.#gone(reason),
    )
  }

  async #chooseServers(): Promise<void> {
    const servers = await this.#init.iceServers()
    const ice = iceOf(this.#connection)
    if (ice !== undefined) useServers(ice, servers)
  }

  #use(channel: RTCDataChannel): void {
    this.#channel = channel
    channel.bufferedAmountLowThreshold = LOW_QUEUE_BYTES
    channel.bufferedAmountLow.subscribe(() => this.listener?.onRoom())
    channel.onMessage.subscribe((message) => this.#message(message))
    channel.stateChanged.subscribe((state) => {
      if (state === 'open') this.#opened()
      else void this.#gone(new Error('the other side closed the data channel'))
    })
    if (channel.readyState === 'open') this.#opened()
  }

  #opened(): void {
    if (this.#isOpen || this.isClosed) return
    this.#isOpen = true
    this.#init.onOpen()
  }

  #message(message: string | Buffer): void {
    if (typeof message === 'string') {
      void this.#gone(new Error('the other side sent text'))
    } else if (this.listener === undefined) {
      // Hellos and credits: a handful. The data behind them needs credit, which nobody has given yet.
      if (this.#early.push(message) > 8) void this.#gone(new Error('the other side sent before it was allowed to'))
    } else this.listener.onMessage(message)
  }

  #failed(): void {
    if (this.isClosed) return
    if (this.#isOpen) this.#init.onLost()
    else void this.#gone(new Error('no way between the two devices was found'))
  }

  /** werift starts no checks after a restart: it takes DTLS being up for being connected. */
  #resume(): void {
    const transport = this.#connection.iceTransports[0]
    if (!this.#isOpen || transport === undefined || transport.state === 'connected') return
    transport.start().catch(() => undefined)
  }

  async #dropSockets(): Promise<void> {
    const ice = iceOf(this.#connection)
    if (ice !== undefined) await dropSockets(ice)
  }

  #gone(reason: unknown, isGraceful = false): Promise<void> {
    if (this.#closing === undefined) {
      const wasOpen = this.#isOpen
      this.#closing = (async () => {
        // What is below runs a turn later, so that nobody is called back in the middle of their own call.
        await Promise.resolve()
        if (isGraceful && wasOpen) await this.#acknowledged()
        this.listener?.onClose()
        this.#init.onClose(reason)
        await this.#shutDown()
      })()
    }
    return this.#closing
  }

  /** Resolves once everything sent was acknowledged, or nobody will. */
  async #acknowledged(): Promise<void> {
    const transport = sctpOf(this.#connection)
    const channel = this.#channel
    if (transport === undefined || channel === undefined || isAcknowledged(transport)) return
    await new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        flushed.unSubscribe()
        closed.unSubscribe()
        resolve()
      }
      const timer = setTimeout(settle, LINGER_MS)
      const flushed = transport.sctp.flush.subscribe(() => {
        if (isAcknowledged(transport)) settle()
      })
      const closed = channel.stateChanged.subscribe(settle)
    })
  }

  /**
   * werift closes its sockets before it says goodbye, so the goodbye comes first here. A datagram handed to a socket is
   * sent a turn of the event loop later, and not at all once the socket is closed.
   */
  async #shutDown(): Promise<void> {
    const sctp = sctpOf(this.#connection)?.sctp
    const closing = (async () => {
      if (this.#isOpen) {
        await sctp?.abort()
        await new Promise(setImmediate)
      }
      await sctp?.stop()
      await this.#connection.close()
    })().catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([closing, late])
    clearTimeout(timer)
  }
}
