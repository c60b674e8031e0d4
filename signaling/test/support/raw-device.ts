import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  registrationText,
  SIGNALING_PATH,
  SIGNALING_SUBPROTOCOL,
  type SignalingMessage,
} from '@dittofs/wire'
import { type ClientOptions, WebSocket } from 'ws'

/** A signaling key without a device. */
export interface RawKey {
  readonly publicKey: Uint8Array
  readonly hex: string
  sign(bytes: Uint8Array): Uint8Array
}

export function rawKey(): RawKey {
  const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' })
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32)
  return {
    publicKey,
    hex: publicKey.toString('hex'),
    sign: (bytes) => sign(null, bytes, privateKey),
  }
}

/** A client that speaks the protocol by hand, so that it can break it. */
export class RawDevice {
  readonly socket: WebSocket
  /** Why and how the connection ended. */
  readonly closed: Promise<number>
  readonly #origin: string
  readonly #messages: SignalingMessage[] = []
  readonly #waiting: ((message: SignalingMessage) => void)[] = []

  constructor(origin: string, options: ClientOptions = {}) {
    this.#origin = origin
    this.socket = new WebSocket(origin + SIGNALING_PATH, SIGNALING_SUBPROTOCOL, {
      perMessageDeflate: false,
      ...options,
    })
    this.closed = new Promise((resolve) => this.socket.on('close', resolve))
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data) => {
      const message = decodeSignalingMessage(data as Buffer)
      if (message === undefined) return
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#messages.push(message)
      else waiting(message)
    })
  }

  static async registered(origin: string, key: RawKey, options: ClientOptions = {}): Promise<RawDevice> {
    const device = new RawDevice(origin, options)
    const challenge = await device.next('challenge')
    device.register(key, challenge.nonce)
    await device.next('registered')
    return device
  }

  register(key: RawKey, nonce: Uint8Array, origin: string = this.#origin): void {
    const signature = key.sign(registrationText(origin, nonce, key.publicKey))
    this.write({ type: 'register', key: key.publicKey, origin, signature })
  }

  write(message: SignalingMessage): void {
    this.socket.send(encodeSignalingMessage(message))
  }

  /** @throws Error when the next message is another one, or none comes any more */
  async next<T extends SignalingMessage['type']>(type: T): Promise<Extract<SignalingMessage, { type: T }>> {
    const message = await this.any()
    if (message.type !== type) throw new Error(`got ${message.type} instead of ${type}`)
    return message as Extract<SignalingMessage, { type: T }>
  }

  /** @throws Error when no message comes any more */
  async any(): Promise<SignalingMessage> {
    const queued = this.#messages.shift()
    if (queued !== undefined) return queued
    const ended = this.closed.then((code) => {
      throw new Error(`closed with ${code}`)
    })
    return Promise.race([new Promise<SignalingMessage>((resolve) => this.#waiting.push(resolve)), ended])
  }

  abort(): void {
    this.socket.terminate()
  }
}

/** Something that only its receiver could open. */
export function sealedSample(size = 304): Uint8Array {
  return new Uint8Array(size).fill(7)
}
