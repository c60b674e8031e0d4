import { type Clock, DittoError } from '@dittofs/interface'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  MAX_SIGNALING_FRAME_BYTES,
  type RefusalReason,
  refusalReason,
  registrationText,
  SIGNALING_PATH,
  SIGNALING_SUBPROTOCOL,
  type SignalingMessage,
} from '@dittofs/wire'
import { WebSocket } from 'ws'
import type { SignalingKey } from './signaling-key.ts'

/** From the first packet until the server has accepted the registration. */
const REGISTRATION_TIMEOUT_MS = 10_000
const HEARTBEAT_MS = 30_000
/** Silence after which a connection is taken for dead. */
const SILENCE_MS = 90_000
/** How long a server may take to say what became of a signal. */
const ANSWER_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 1000

/** What a server did with a signal. */
export type Delivery = 'sent' | 'absent' | RefusalReason

export interface ServerConnectionInit {
  readonly key: SignalingKey
  readonly clock: Clock
  /** Certificates of authorities to trust instead of the system's, PEM. */
  readonly ca?: string
  readonly onDeliver: (from: Uint8Array, sealed: Uint8Array) => void
}

/** One connection to one server, from connecting to its end. It is not opened again: see {@link SignalingServer}. */
export class ServerConnection {
  /** Resolves once the server took the registration; rejects with why the connection ended before. */
  readonly registered: Promise<void>
  /** Resolves with why the connection ended, in a sentence. */
  readonly ended: Promise<string>
  readonly #init: ServerConnectionInit
  readonly #socket: WebSocket
  readonly #answers = new Map<number, (delivery: Delivery | undefined) => void>()
  readonly #life = new AbortController()
  #end!: (reason: string) => void
  #register!: () => void
  #isChallenged = false
  #isRegistered = false
  #lastHeardMs: number
  #nextId = 0

  constructor(init: ServerConnectionInit) {
    this.#init = init
    this.#lastHeardMs = init.clock.monotonic()
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.registered = new Promise((resolve, reject) => {
      this.#register = resolve
      void this.ended.then((reason) => reject(new DittoError('DITTO_PEER_UNREACHABLE', reason)))
    })
    // Whoever only waits for the end has no use for the other promise.
    this.registered.catch(() => undefined)
    this.#socket = new WebSocket(init.key.origin + SIGNALING_PATH, SIGNALING_SUBPROTOCOL, {
      perMessageDeflate: false,
      maxPayload: MAX_SIGNALING_FRAME_BYTES,
      handshakeTimeout: REGISTRATION_TIMEOUT_MS,
      ...(init.ca !== undefined && { ca: init.ca }),
    })
    this.#socket.binaryType = 'nodebuffer'
    this.#socket.on('message', (data, isBinary) => this.#read(isBinary ? (data as Buffer) : undefined))
    this.#socket.on('error', (error) => this.#stop(`The signaling server cannot be reached: ${error.message}.`))
    this.#socket.on('close', (code, reason) => this.#stop(whyClosed(code, reason.toString())))
    void this.#watch()
  }

  /**
   * Passes a sealed signal to the server.
   *
   * @returns what the server did with it
   * @throws DittoError DITTO_PEER_UNREACHABLE when the connection ended or the server does not say
   */
  async send(to: Uint8Array, sealed: Uint8Array): Promise<Delivery> {
    if (!this.#isRegistered || this.#life.signal.aborted) throw lost()
    const id = this.#nextId
    this.#nextId = (id + 1) % 2 ** 32
    const answered = new Promise<Delivery | undefined>((resolve) => this.#answers.set(id, resolve))
    this.#write({ type: 'send', id, to, sealed })
    const patience = new AbortController()
    const late = this.#init.clock.sleep(ANSWER_TIMEOUT_MS, { signal: patience.signal }).catch(() => undefined)
    const delivery = await Promise.race([answered, late])
    patience.abort()
    this.#answers.delete(id)
    if (delivery === undefined) {
      // A server that does not answer may be behind a network that is gone: only another connection can tell.
      this.#stop('The signaling server does not answer.')
      throw lost()
    }
    return delivery
  }

  /** Ends it without a word, for one over a network that is gone. */
  drop(): void {
    this.#stop('The network has changed.')
  }

  /** Says goodbye to the server; resolves once the connection has ended. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.close(1000)
      const patience = new AbortController()
      const late = this.#init.clock.sleep(CLOSE_TIMEOUT_MS, { signal: patience.signal }).catch(() => undefined)
      await Promise.race([this.ended, late])
      patience.abort()
    }
    this.#stop('The connection was closed.')
  }

  #stop(reason: string): void {
    if (this.#life.signal.aborted) return
    this.#life.abort()
    this.#socket.terminate()
    for (const answer of this.#answers.values()) answer(undefined)
    this.#end(reason)
  }

  #read(frame: Buffer | undefined): void {
    if (this.#life.signal.aborted) return
    this.#lastHeardMs = this.#init.clock.monotonic()
    try {
      if (frame === undefined) throw new DittoError('DITTO_PROTOCOL', 'It sent text.')
      const message = decodeSignalingMessage(frame)
      if (message !== undefined) this.#handle(message)
    } catch {
      this.#stop('The signaling server does not keep to the protocol.')
    }
  }

  #handle(message: SignalingMessage): void {
    switch (message.type) {
      case 'challenge':
        this.#answerChallenge(message.nonce)
        break
      case 'registered':
        if (!this.#isChallenged) throw new DittoError('DITTO_PROTOCOL', 'It has asked for no signature.')
        this.#isRegistered = true
        this.#register()
        break
      case 'deliver':
        if (this.#isRegistered) this.#init.onDeliver(message.from, message.sealed)
        break
      case 'sent':
      case 'absent':
        this.#answers.get(message.id)?.(message.type)
        break
      case 'refused':
        this.#answers.get(message.id)?.(refusalReason(message.reason))
    }
  }

  #answerChallenge(nonce: Uint8Array): void {
    if (this.#isChallenged) throw new DittoError('DITTO_PROTOCOL', 'It asks for a second signature.')
    this.#isChallenged = true
    const { key } = this.#init
    const signature = key.sign(registrationText(key.origin, nonce, key.publicKey))
    this.#write({ type: 'register', key: key.publicKey, origin: key.origin, signature })
  }

  /** Ends a connection that is not registered in time, and one that has gone silent. */
  async #watch(): Promise<void> {
    const { clock } = this.#init
    const { signal } = this.#life
    try {
      await clock.sleep(REGISTRATION_TIMEOUT_MS, { signal })
      if (!this.#isRegistered) return this.#stop('The signaling server does not answer.')
      for (let nonce = 0; ; nonce = (nonce + 1) % 2 ** 32) {
        await clock.sleep(HEARTBEAT_MS, { signal })
        if (clock.monotonic() - this.#lastHeardMs > SILENCE_MS) {
          return this.#stop('The signaling server has gone silent.')
        }
        this.#write({ type: 'ping', nonce })
      }
    } catch {
      // The connection has ended.
    }
  }

  #write(message: SignalingMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodeSignalingMessage(message))
  }
}

function whyClosed(code: number, reason: string): string {
  // What a server says is shown to people, so only plain characters of it.
  const said = reason.replaceAll(/[^ -~]/g, '')
  return `The signaling server closed the connection (${code}${said === '' ? '' : `: ${said}`}).`
}

function lost(): DittoError {
  return new DittoError('DITTO_PEER_UNREACHABLE', 'The connection to the signaling server was lost: try again.')
}
