import { randomBytes } from 'node:crypto'
import { TokenBucket } from '@dittofs/interface'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  REFUSAL_REASONS,
  SIGNALING_NONCE_BYTES,
  type SignalingMessage,
} from '@dittofs/wire'
import type { WebSocket } from 'ws'
import type { CloseCause, RelayResult } from './relay-observer.ts'
import type { ServerLimits } from './server-limits.ts'
import { type Registration, verifyRegistration } from './verify-registration.ts'

/** Refusals that a device may cause in a row, and how many are forgiven each second, until it is cut off. */
const REFUSALS = { burst: 100, perSecond: 5 }
/** Answers and deliveries together that wait for a device to read: past it, it does not read. */
const MAX_UNREAD_FRAMES = 512
/** Bytes that a device sends in the long run are at most this often the limit; frames that are never finished count too. */
const RAW_BYTES_FACTOR = 2

const CLOSE_CODES: Readonly<Record<CloseCause, readonly [code: number, reason: string]>> = {
  'address-limit': [1013, 'too many registrations from this address: try again later'],
  forged: [1008, 'the signature is wrong, or for another server'],
  'going-away': [1001, 'the server stops'],
  left: [1000, ''],
  'not-registered': [1008, 'no registration in time'],
  'not-reading': [1008, 'too much was not read'],
  protocol: [1002, 'not the signaling protocol'],
  replaced: [4001, 'the key was registered anew'],
  room: [1013, 'the server is full: try again later'],
  silent: [1001, 'nothing heard for too long'],
  'too-fast': [1008, 'too many messages'],
}

/** What a connection asks of the server it belongs to. */
export interface DeviceConnectionHost {
  readonly limits: ServerLimits
  nowMs(): number
  mayRegister(connection: DeviceConnection): boolean
  isOwnOrigin(connection: DeviceConnection, origin: string): boolean
  /** The signature was right; resolves once signals for the key arrive here. */
  register(connection: DeviceConnection, key: string): Promise<void>
  /** @returns what became of the signal; at once where the receiver is registered here */
  relay(from: Uint8Array, to: string, sealed: Uint8Array): RelayResult | Promise<RelayResult>
  onQueued(bytes: number): void
  onRelay(result: RelayResult, bytes: number): void
  onClose(connection: DeviceConnection, cause: CloseCause): void
}

/** One WebSocket and what is known of the device behind it: nothing, until it has proved that it holds a key. */
export class DeviceConnection {
  readonly address: string
  /** What limits by address count by. */
  readonly source: string
  readonly hostHeader: string | undefined
  /** The registered key in hex; `undefined` before. */
  key: string | undefined
  readonly #host: DeviceConnectionHost
  readonly #socket: WebSocket
  readonly #startedMs: number
  readonly #messages: TokenBucket
  readonly #bytes: TokenBucket
  readonly #refusals: TokenBucket
  #nonce: Uint8Array | undefined = randomBytes(SIGNALING_NONCE_BYTES)
  #publicKey: Buffer | undefined
  #isAnnounced = false
  #isClosed = false
  #lastHeardMs: number
  #unread = 0
  #deliveries = 0
  #rawBytes = 0
  #sweptMs: number

  constructor(
    socket: WebSocket,
    from: { readonly address: string; readonly source: string; readonly hostHeader: string | undefined },
    host: DeviceConnectionHost,
  ) {
    this.address = from.address
    this.source = from.source
    this.hostHeader = from.hostHeader
    this.#socket = socket
    this.#host = host
    const now = host.nowMs()
    const { messagesPerSecond, bytesPerSecond } = host.limits
    this.#startedMs = now
    this.#lastHeardMs = now
    this.#sweptMs = now
    this.#messages = new TokenBucket(messagesPerSecond, messagesPerSecond, now)
    this.#bytes = new TokenBucket(bytesPerSecond, bytesPerSecond, now)
    this.#refusals = new TokenBucket(REFUSALS.perSecond, REFUSALS.burst, now)
    socket.on('message', (data, isBinary) => this.#read(isBinary ? (data as Buffer) : undefined))
    socket.on('ping', (data) => this.#pong(data))
    socket.on('error', () => this.close('protocol'))
    socket.on('close', () => this.#left('left'))
    this.#write({ type: 'challenge', nonce: this.#nonce as Uint8Array })
  }

  deliver(from: Uint8Array, sealed: Uint8Array): 'sent' | 'absent' | 'queue' {
    if (this.#isClosed || !this.#isAnnounced) return 'absent'
    if (this.#deliveries >= this.#host.limits.queuePerDevice) return 'queue'
    this.#deliveries++
    this.#write({ type: 'deliver', from, sealed }, () => {
      this.#deliveries--
    })
    return 'sent'
  }

  /** Tells the device why and ends the connection; does nothing the second time. */
  close(cause: CloseCause): void {
    if (this.#isClosed) return
    this.#socket.close(...CLOSE_CODES[cause])
    this.#left(cause)
  }

  /** Looks for silence and for bytes that never become a message. Called every few seconds. */
  sweep(rawBytes: number): void {
    const cause = this.key === undefined ? this.#isLate() : this.#isDeadOrFlooding(rawBytes)
    if (cause !== undefined) this.close(cause)
  }

  #isLate(): CloseCause | undefined {
    return this.#host.nowMs() - this.#startedMs > this.#host.limits.registrationTimeoutMs ? 'not-registered' : undefined
  }

  #isDeadOrFlooding(rawBytes: number): CloseCause | undefined {
    const { silenceMs, bytesPerSecond } = this.#host.limits
    const now = this.#host.nowMs()
    if (now - this.#lastHeardMs > silenceMs) return 'silent'
    const allowed = RAW_BYTES_FACTOR * bytesPerSecond * (1 + (now - this.#sweptMs) / 1000)
    if (rawBytes - this.#rawBytes > allowed) return 'too-fast'
    this.#rawBytes = rawBytes
    this.#sweptMs = now
    return undefined
  }

  #left(cause: CloseCause): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#host.onClose(this, cause)
  }

  #read(frame: Buffer | undefined): void {
    if (this.#isClosed) return
    this.#lastHeardMs = this.#host.nowMs()
    const cause = frame === undefined ? 'protocol' : this.#take(frame)
    if (cause !== undefined) this.close(cause)
  }

  /** @returns why the connection is to end, if it is */
  #take(frame: Buffer): CloseCause | undefined {
    let message: SignalingMessage | undefined
    try {
      message = decodeSignalingMessage(frame)
    } catch {
      return 'protocol'
    }
    if (this.key === undefined) return this.#register(message)
    const now = this.#lastHeardMs
    const isInTime = this.#messages.take(1, now) && this.#bytes.take(frame.length, now)
    if (!isInTime && !this.#refusals.take(1, now)) return 'too-fast'
    switch (message?.type) {
      case undefined:
        return undefined
      case 'ping':
        if (isInTime) this.#write({ type: 'pong', nonce: message.nonce })
        return undefined
      case 'send':
        this.#relay(message, isInTime)
        return undefined
      default:
        // A second registration, or what only a server says.
        return 'protocol'
    }
  }

  #register(message: SignalingMessage | undefined): CloseCause | undefined {
    const nonce = this.#nonce
    // One try for each connection.
    this.#nonce = undefined
    if (message?.type !== 'register' || nonce === undefined) return 'protocol'
    if (!this.#host.mayRegister(this)) return 'address-limit'
    if (!this.#isGenuine(message, nonce)) return 'forged'
    this.#publicKey = Buffer.from(message.key)
    void this.#host.register(this, this.#publicKey.toString('hex')).then(() => {
      if (this.#isClosed) return
      this.#isAnnounced = true
      this.#write({ type: 'registered' })
    })
    return undefined
  }

  #isGenuine(registration: Registration, nonce: Uint8Array): boolean {
    return this.#host.isOwnOrigin(this, registration.origin) && verifyRegistration(registration, nonce)
  }

  #relay({ id, to, sealed }: Extract<SignalingMessage, { type: 'send' }>, isInTime: boolean): void {
    const answer = (result: RelayResult) => {
      this.#host.onRelay(result, sealed.length)
      if (this.#isClosed) return
      if (result === 'sent' || result === 'absent') this.#write({ type: result, id })
      else this.#write({ type: 'refused', id, reason: REFUSAL_REASONS[result] })
    }
    const result = isInTime
      ? this.#host.relay(this.#publicKey as Uint8Array, Buffer.from(to).toString('hex'), sealed)
      : 'rate'
    if (typeof result === 'string') answer(result)
    else void result.then(answer)
  }

  /** Pings of WebSocket itself count as messages, since each one costs an answer. */
  #pong(data: Buffer): void {
    const now = this.#host.nowMs()
    this.#lastHeardMs = now
    if (this.#messages.take(1, now)) this.#socket.pong(data)
    else if (!this.#refusals.take(1, now)) this.close('too-fast')
  }

  #write(message: SignalingMessage, onDone?: () => void): void {
    if (this.#unread >= MAX_UNREAD_FRAMES) {
      this.close('not-reading')
      return
    }
    const frame = encodeSignalingMessage(message)
    this.#unread++
    this.#host.onQueued(frame.length)
    this.#socket.send(frame, () => {
      this.#unread--
      this.#host.onQueued(-frame.length)
      onDone?.()
    })
  }
}
