import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { bundlePage } from './bundle-page.ts'

const PROGRAM = 'chromium'

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-extensions',
  // Nothing leaves this machine: no name is looked up, and candidates are addresses, those of the loopback among them.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--allow-loopback-in-peer-connection',
  '--remote-debugging-pipe',
]

/** Why there is no browser here; `undefined` when there is one. */
export function chromiumUnavailable(): string | undefined {
  const { status } = spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' })
  return status === 0 ? undefined : 'chromium is not installed (Debian: apt-get install chromium)'
}

interface Reply {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** A page of ours in a headless Chromium with a profile of its own. */
export class ChromiumPage {
  readonly #child: ChildProcess
  readonly #server: Server
  readonly #profile: string
  readonly #sockets: WebSocketServer
  readonly #replies = new Map<number, (reply: Reply) => void>()
  #session: string | undefined
  #nextId = 1

  private constructor(child: ChildProcess, server: Server, profile: string) {
    this.#profile = profile
    this.#child = child
    this.#server = server
    this.#sockets = new WebSocketServer({ server })
    let rest = ''
    const output = child.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0')
      rest = messages.pop() as string
      for (const message of messages) {
        const reply = JSON.parse(message) as Reply
        if (reply.id !== undefined) this.#replies.get(reply.id)?.(reply)
      }
    })
  }

  static async open(): Promise<ChromiumPage> {
    const script = await bundlePage()
    let onLoaded!: () => void
    const loaded = new Promise<void>((resolve) => {
      onLoaded = resolve
    })
    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js'
      if (request.url === '/loaded') onLoaded()
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const profile = await mkdtemp(path.join(tmpdir(), 'dittofs-chromium-'))
    const child = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: profile },
    })
    const page = new ChromiumPage(child, server, profile)
    await page.#load()
    await loaded
    return page
  }

  /** Calls one of the page's functions with values of JSON, and gives what its promise gives. @throws Error of the page */
  async call<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    return this.#evaluate<T>(`dittofs.${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`)
  }

  /** A connection of the page to an address, as a stream of its bytes in this process. */
  async dial(address: string): Promise<Duplex> {
    const connected = once(this.#sockets, 'connection')
    await this.call('bridge', address, `ws://127.0.0.1:${this.#port}/`)
    const [socket] = (await connected) as [Parameters<typeof createWebSocketStream>[0]]
    const stream = createWebSocketStream(socket)
    stream.on('error', () => undefined)
    return stream
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    void this.#command('Browser.close').catch(() => undefined)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(timer)
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#server.closeAllConnections()
    this.#server.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 3 })
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async #load(): Promise<void> {
    const { targetId } = await this.#command('Target.createTarget', { url: `http://127.0.0.1:${this.#port}/` })
    const { sessionId } = await this.#command('Target.attachToTarget', { targetId, flatten: true })
    this.#session = sessionId as string
  }

  async #evaluate<T>(expression: string): Promise<T> {
    const reply = await this.#command('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    const { result, exceptionDetails } = reply as {
      result: { value?: T; description?: string }
      exceptionDetails?: { text: string; exception?: { description?: string } }
    }
    if (exceptionDetails !== undefined) {
      throw new Error(`the page failed: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
    }
    return result.value as T
  }

  #command(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = this.#nextId++
    const sessionId = this.#session
    const message = {
      id,
      method,
      params,
      ...(sessionId === undefined || method.startsWith('Browser') ? {} : { sessionId }),
    }
    return new Promise((resolve, reject) => {
      this.#replies.set(id, ({ result, error }) => {
        this.#replies.delete(id)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      ;(this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`)
    })
  }
}
