import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { listenError, plainAddress } from '@dittofs/interface'
import { MAX_CALLS_PER_CONNECTION } from '../limits.ts'
import type { RpcDispatcher } from './rpc-dispatcher.ts'

/** Of the record mark, which datagrams do without. */
const MARK_BYTES = 4

/** Answers RPC over UDP, a call and an answer in a datagram each. For the portmapper: everything else is too large. */
export class DatagramServer {
  readonly #socket: Socket
  readonly #dispatcher: RpcDispatcher
  readonly #stopped = new AbortController()
  #calls = 0

  constructor(dispatcher: RpcDispatcher) {
    this.#dispatcher = dispatcher
    this.#socket = createSocket('udp4')
  }

  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_IO */
  async start(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', (cause) => reject(listenError(cause, host, port)))
      this.#socket.bind({ address: host, port, exclusive: true }, resolve)
    })
    this.#socket.removeAllListeners('error')
    // That one answer could not be sent is nothing the next caller has to do with.
    this.#socket.on('error', () => undefined)
    this.#socket.on('message', (message, from) => void this.#answer(message, from))
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  /** More calls than are taken at once are dropped, as any datagram may be: the client asks again. */
  async #answer(message: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const { signal } = this.#stopped
    if (this.#calls >= MAX_CALLS_PER_CONNECTION) return
    const call = this.#dispatcher.prepare(message, { address: plainAddress(address), signal })
    if (call === undefined) return
    this.#calls += 1
    const reply = Buffer.concat(await call.run()).subarray(MARK_BYTES)
    this.#calls -= 1
    if (!signal.aborted) this.#socket.send(reply, port, address, () => undefined)
  }
}
