import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import {
  decodeSignalingMessage,
  encodeSignalingMessage,
  SIGNALING_SUBPROTOCOL,
  type SignalingMessage,
} from '@dittofs/wire'
import { type WebSocket, WebSocketServer } from 'ws'

/** A signaling server without any limit or check that its test can stop, change and turn against its devices. */
export class TestExchange {
  readonly port: number
  /** Every signal that was passed on, as the server sees it. */
  readonly relayed: { readonly from: string; readonly to: string; readonly sealed: Uint8Array }[] = []
  readonly devices = new Map<string, WebSocket>()
  /** Connections that were opened so far. */
  connections = 0
  /** Called with each message of a device in place of the usual answer when it returns `true`. */
  intercept: ((message: SignalingMessage, socket: WebSocket) => boolean) | undefined
  readonly #server: WebSocketServer

  private constructor(server: WebSocketServer) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => this.#serve(socket))
  }

  /** @param port - 0 takes any free one */
  static async listen(port = 0): Promise<TestExchange> {
    const server = new WebSocketServer({ host: '127.0.0.1', port, handleProtocols: () => SIGNALING_SUBPROTOCOL })
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
    return new TestExchange(server)
  }

  get origin(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  deliver(to: string, from: string, sealed: Uint8Array): boolean {
    const socket = this.devices.get(to)
    if (socket === undefined) return false
    socket.send(encodeSignalingMessage({ type: 'deliver', from: Buffer.from(from, 'hex'), sealed }))
    return true
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: WebSocket): void {
    this.connections++
    let key = ''
    const write = (message: SignalingMessage) => socket.send(encodeSignalingMessage(message))
    socket.on('close', () => {
      if (this.devices.get(key) === socket) this.devices.delete(key)
    })
    socket.on('message', (data) => {
      const message = decodeSignalingMessage(data as Buffer)
      if (message === undefined || this.intercept?.(message, socket) === true) return
      if (message.type === 'register') {
        key = Buffer.from(message.key).toString('hex')
        this.devices.set(key, socket)
        write({ type: 'registered' })
      } else if (message.type === 'ping') {
        write({ type: 'pong', nonce: message.nonce })
      } else if (message.type === 'send') {
        const to = Buffer.from(message.to).toString('hex')
        this.relayed.push({ from: key, to, sealed: Buffer.from(message.sealed) })
        write({ type: this.deliver(to, key, message.sealed) ? 'sent' : 'absent', id: message.id })
      }
    })
    write({ type: 'challenge', nonce: randomBytes(32) })
  }
}
