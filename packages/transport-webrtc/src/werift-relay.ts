import type { Socket } from 'node:net'
import { TcpTransport, TlsTransport, UdpTransport } from 'werift'

/**
 * What werift 0.24 lacks for TURN servers and for a choice between a direct way and a relayed one. Like
 * werift-internals.ts it reaches past the types; docs/decisions/0006-webrtc.md says which trap makes each part necessary.
 */

interface Candidate {
  readonly type: string
}

interface CandidatePair {
  readonly protocol: unknown
  readonly localCandidate: Candidate
  readonly remoteCandidate: Candidate
  readonly state: number
  handle: Check | undefined
  updateState(state: number): void
}

interface Check {
  readonly awaitable: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

interface Transaction {
  integrityKey: Buffer | undefined
}

interface TurnRequest {
  /** The list itself, not a copy. */
  getAttributes(): [name: string, value: unknown][]
}

interface TurnClient {
  request: (request: TurnRequest, ...rest: readonly unknown[]) => Promise<unknown>
  channelRefreshTime: number
  readonly transactions: Readonly<Record<string, Transaction>>
  handleSTUNMessage(data: Buffer, address: readonly [string, number]): void
}

interface Protocol {
  readonly type: string
  readonly localCandidate?: unknown
  readonly turn?: TurnClient
}

/** Of the ICE agent. */
export interface RelayInternals {
  readonly state: string
  readonly nominated: unknown
  nominating: boolean
  remoteIsLite: boolean
  readonly earlyChecksDone: boolean
  readonly checkList: readonly CandidatePair[]
  checkStart: (pair: CandidatePair) => Check
  pairLocalProtocol(protocol: unknown): void
}

const PAIR_WAITING = 1
const PAIR_IN_PROGRESS = 2
const PAIR_FAILED = 4

/** How long direct ways may try before relayed ones do: a hole takes a round trip and a retransmission or two to punch. */
const DIRECT_HEAD_START_MS = 500
/** A permission lives 300 s (RFC 8656 section 9), and only the renewal of the channel renews it here. */
const CHANNEL_REFRESH_S = 240

const ERROR_RESPONSE = 0x0110
const MESSAGE_INTEGRITY = 0x0008
const ERROR_CODE = 0x0009
const STUN_HEADER_BYTES = 20
const UNAUTHORIZED = 401
const STALE_NONCE = 438

/**
 * Lets both sides settle on one way, a direct one where there is one.
 *
 * werift nominates each pair with its very check and keeps the first that succeeds. Which one that is can differ between
 * the two sides, and is often the relayed one. Here the first success is nominated by a check of its own (RFC 8445
 * section 8.1.1), which is what werift does for a "lite" peer, and relayed pairs wait a little.
 */
export function preferDirect(ice: RelayInternals): void {
  const start = ice.checkStart
  const startNow = (pair: CandidatePair): Check => {
    const { remoteIsLite } = ice
    ice.remoteIsLite = true
    try {
      const check = start(pair)
      void check.awaitable
        .then(() => {
          // Once there is a choice, a check that ends late must not make another one.
          if (ice.nominated !== undefined) ice.nominating = true
        })
        .catch(() => undefined)
      return check
    } finally {
      ice.remoteIsLite = remoteIsLite
    }
  }
  ice.checkStart = (pair) => {
    if (pair.localCandidate.type !== 'relay' && pair.remoteCandidate.type !== 'relay') return startNow(pair)
    pair.updateState(PAIR_IN_PROGRESS)
    return laterCheck(DIRECT_HEAD_START_MS, () => {
      if (ice.state === 'closed' || !ice.checkList.includes(pair)) return undefined
      if (ice.nominated === undefined) return startNow(pair)
      pair.updateState(PAIR_FAILED)
      return undefined
    })
  }
}

/** A check that begins later; it is over when what `begin` gives is, or at once without. */
function laterCheck(delayMs: number, begin: () => Check | undefined): Check {
  let resolve!: () => void
  let reject!: (reason: unknown) => void
  const awaitable = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  awaitable.catch(() => undefined)
  const timer = setTimeout(() => {
    const check = begin()
    if (check === undefined) resolve()
    else check.awaitable.then(resolve, reject)
  }, delayMs)
  // Whoever cancels a check resolves it.
  void awaitable.finally(() => clearTimeout(timer)).catch(() => undefined)
  return { awaitable, resolve, reject }
}

/** Puts an allocation to use as soon as there is one, and keeps it in use. */
export function useRelay(ice: RelayInternals, protocol: Protocol, known: WeakSet<object>): void {
  const { turn } = protocol
  if (turn === undefined || protocol.localCandidate === undefined || known.has(turn)) return
  known.add(turn)
  turn.channelRefreshTime = CHANNEL_REFRESH_S
  admitChallenges(turn)
  // werift pairs relayed candidates only with what comes from the other side afterwards.
  ice.pairLocalProtocol(protocol)
  if (!ice.earlyChecksDone) return
  for (const pair of ice.checkList) {
    if (pair.protocol === protocol && pair.state === PAIR_WAITING) pair.handle = ice.checkStart(pair)
  }
}

/**
 * A TURN server that wants another nonce cannot sign that (RFC 8489 section 9.2.4), and werift drops what is not signed:
 * after the life of one nonce, ten minutes with coturn, nothing would be renewed any more. Its second try would then sign
 * what is signed already, which servers drop.
 */
function admitChallenges(turn: TurnClient): void {
  const handle = turn.handleSTUNMessage.bind(turn)
  turn.handleSTUNMessage = (data, address) => {
    if (isUnsignedChallenge(data)) {
      const transaction = turn.transactions[data.toString('hex', 8, STUN_HEADER_BYTES)]
      if (transaction !== undefined) transaction.integrityKey = undefined
    }
    handle(data, address)
  }
  const send = turn.request.bind(turn)
  turn.request = (request, ...rest) => {
    const attributes = request.getAttributes()
    const unsigned = attributes.filter(([name]) => name !== 'MESSAGE-INTEGRITY' && name !== 'FINGERPRINT')
    attributes.splice(0, attributes.length, ...unsigned)
    return send(request, ...rest)
  }
}

/** Whether a message says "401 unauthorized" or "438 stale nonce" and has no signature. */
export function isUnsignedChallenge(data: Buffer): boolean {
  if (data.length < STUN_HEADER_BYTES || (data.readUInt16BE(0) & 0xc110) !== ERROR_RESPONSE) return false
  let code = 0
  for (let at = STUN_HEADER_BYTES; at + 4 <= data.length; ) {
    const type = data.readUInt16BE(at)
    const length = data.readUInt16BE(at + 2)
    if (type === MESSAGE_INTEGRITY) return false
    if (type === ERROR_CODE && length >= 4 && at + 8 <= data.length) {
      code = data.readUInt8(at + 6) * 100 + data.readUInt8(at + 7)
    }
    at += 4 + Math.ceil(length / 4) * 4
  }
  return code === UNAUTHORIZED || code === STALE_NONCE
}

/** The window of an association: what may arrive while the event loop is busy. Systems give less where they like. */
const SOCKET_BUFFER_BYTES = 1024 * 1024

interface UdpInternals {
  readonly socket: NodeJS.EventEmitter & { setRecvBufferSize(bytes: number): void }
  init: (this: UdpInternals) => Promise<void>
}

/** Of werift's connections to TURN servers over TCP and TLS. */
interface StreamInternals {
  readonly stream: {
    readonly client: Socket
    closed: boolean
    connect: () => void
  }
  init: (this: StreamInternals) => Promise<void>
}

/** A TURN server answers within a few round trips, or is behind a firewall that swallows everything. */
const STREAM_TIMEOUT_MS = 5_000

/**
 * Makes errors of werift's sockets harmless, for the whole process: nobody listens for them in werift, so that a socket
 * that cannot be bound, or a TURN server without a route to it, would end the process.
 */
export function guardAllSockets(): void {
  guardDatagrams(UdpTransport.prototype as unknown as UdpInternals)
  for (const { prototype } of [TcpTransport, TlsTransport]) guardStreams(prototype as unknown as StreamInternals)
}

function guardDatagrams(prototype: UdpInternals): void {
  const { init } = prototype
  prototype.init = async function () {
    const failed = new Promise<never>((_, reject) => this.socket.on('error', reject))
    failed.catch(() => undefined)
    await Promise.race([init.call(this), failed])
    try {
      this.socket.setRecvBufferSize(SOCKET_BUFFER_BYTES)
    } catch {
      // What the system gives of itself will do.
    }
  }
}

/**
 * An allocation is the connection's over which it was made: werift would open another one when the server ends it, which
 * leads nowhere, and would end the process where that is refused.
 */
function guardStreams(prototype: StreamInternals): void {
  const { init } = prototype
  prototype.init = async function () {
    const { stream } = this
    stream.connect = () => {
      stream.closed = true
    }
    stream.client.setNoDelay(true)
    const opening = init.call(this)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the server cannot be reached')), STREAM_TIMEOUT_MS)
    })
    try {
      await Promise.race([opening, late])
    } catch (error) {
      opening.catch(() => undefined)
      stream.closed = true
      stream.client.destroy()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
