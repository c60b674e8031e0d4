import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import path from 'node:path'
import { createServer, type Server, type TLSSocket } from 'node:tls'

/** Why no certificates can be made here; `undefined` when they can. */
export function opensslUnavailable(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed'
}

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
    const run = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' })
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'] as const
    run('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority')
    run('req', ...newKey, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=signal.invalid')
    await writeFile(path.join(directory, 'names'), 'subjectAltName = IP:127.0.0.1\n')
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    run('x509', '-req', '-in', 'server.csr', '-out', 'server.pem', ...signing)
    const [key, cert] = await Promise.all(
      ['server.key', 'server.pem'].map((name) => readFile(path.join(directory, name))),
    )
    const front = new TlsFront(path.join(directory, 'ca.pem'), { key: key as Buffer, cert: cert as Buffer })
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
