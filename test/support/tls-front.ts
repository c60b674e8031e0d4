import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { certificateFor } from './test-authority.ts'

/** What stands in front of a signaling server on the internet: TLS on 127.0.0.1, under an authority made for the test. */
export class TlsFront {
  /** The authority's certificate, a PEM file. */
  readonly authority: string
  readonly #server: Server
  readonly #sockets = new Set<TLSSocket>()
  #port = 0

  private constructor(authority: string, certificates: { key: Buffer; cert: Buffer }) {
    this.authority = authority
    this.#server = createServer(certificates, (socket) => {
      const behind = connect(this.#port, '127.0.0.1')
      this.#sockets.add(socket)
      socket.pipe(behind).pipe(socket)
      socket.on('error', () => behind.destroy()).once('close', () => this.#sockets.delete(socket))
      behind.on('error', () => socket.destroy())
    })
  }

  /** @param directory - for keys and certificates */
  static async start(directory: string): Promise<TlsFront> {
    const files = await certificateFor('127.0.0.1', directory)
    const [key, cert] = await Promise.all([readFile(files.key), readFile(files.certificate)])
    const front = new TlsFront(files.authority, { key, cert })
    front.#server.listen(0, '127.0.0.1')
    await once(front.#server, 'listening')
    return front
  }

  get origin(): string {
    return `wss://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Passes connections on to a port of this machine from now on. */
  passTo(port: number): void {
    this.#port = port
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
