import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A man in the middle who only listens: passes bytes both ways between callers and one address, and keeps them. */
export class RecordingRelay {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** What each caller sent, and what it was sent back, connection by connection. */
  readonly conversations: { fromCaller: Buffer[]; toCaller: Buffer[] }[] = []

  private constructor(host: string, port: number) {
    this.#server = createServer((caller) => {
      const callee = connect(port, host)
      const conversation = { fromCaller: [] as Buffer[], toCaller: [] as Buffer[] }
      this.conversations.push(conversation)
      for (const [from, to, kept] of [
        [caller, callee, conversation.fromCaller],
        [callee, caller, conversation.toCaller],
      ] as const) {
        this.#sockets.add(from)
        from.on('data', (bytes: Buffer) => kept.push(bytes))
        from.on('error', () => to.destroy())
        from.on('close', () => this.#sockets.delete(from))
        from.pipe(to)
      }
    })
  }

  /** @param target - HOST:PORT with an IPv4 address */
  static async to(target: string): Promise<RecordingRelay> {
    const [host, port] = target.split(':') as [string, string]
    const relay = new RecordingRelay(host, Number(port))
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  /** HOST:PORT to dial in place of the target. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}
