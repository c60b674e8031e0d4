import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { packetFilterUnavailable, type TestHost } from './network.ts'
import type { ServerCertificate } from './test-authority.ts'

const run = promisify(execFile)

/** Why there can be no TURN server here; `undefined` when there can. */
export function relayUnavailable(): string | undefined {
  try {
    execFileSync('turnserver', ['--version'], { stdio: 'ignore' })
  } catch {
    return 'the program turnserver (coturn) is not installed'
  }
  return packetFilterUnavailable()
}

/** A TURN server as WebRTC takes it. */
export interface TurnServer {
  readonly urls: string
  readonly username: string
  readonly credential: string
}

export interface TurnRelayInit {
  readonly host: TestHost
  /** An empty one, for what the server writes. */
  readonly directory: string
  readonly port: number
  /** Where it speaks TLS beside. */
  readonly tls?: ServerCertificate & { readonly port: number }
  /** Whom it relays for; somebody new when absent. */
  readonly user?: Pick<TurnServer, 'username' | 'credential'>
  /** Further lines of its configuration. */
  readonly options?: readonly string[]
}

/** coturn, the STUN and TURN server, with a count of what it exchanges with the devices. */
export class TurnRelay {
  /** As WebRTC takes it: STUN, and TURN over UDP. */
  readonly iceServers: readonly [{ readonly urls: string }, TurnServer]
  readonly #init: TurnRelayInit
  readonly #process: ChildProcess
  readonly #log: string[] = []
  #wake: () => void = () => undefined

  private constructor(init: TurnRelayInit, iceServers: TurnRelay['iceServers'], child: ChildProcess) {
    this.#init = init
    this.iceServers = iceServers
    this.#process = child
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#log.push(line)
      this.#wake()
    })
    child.once('exit', () => this.#wake())
  }

  /** @throws Error when it ends before it serves */
  static async start(init: TurnRelayInit): Promise<TurnRelay> {
    const { host, directory, port, tls, user, options = [] } = init
    await host.exec('nft', [
      `table ip relay-${port}
      delete table ip relay-${port}
      table ip relay-${port} {
        counter exchanged { }
        chain in { type filter hook input priority 0; th dport ${port} counter name exchanged; }
        chain out { type filter hook output priority 0; th sport ${port} counter name exchanged; }
      }`,
    ])
    const { username, credential } = user ?? { username: 'alice', credential: randomBytes(8).toString('hex') }
    const config = path.join(directory, 'turnserver.conf')
    await writeFile(
      config,
      [
        `listening-ip=${host.address}`,
        `relay-ip=${host.address}`,
        `listening-port=${port}`,
        'lt-cred-mech',
        'realm=nat.test',
        `user=${username}:${credential}`,
        `userdb=${path.join(directory, 'users.sqlite')}`,
        `pidfile=${path.join(directory, 'turnserver.pid')}`,
        'log-file=stdout',
        ...(tls === undefined
          ? ['no-tls']
          : [`tls-listening-port=${tls.port}`, `cert=${tls.certificate}`, `pkey=${tls.key}`]),
        'no-dtls',
        'no-cli',
        'verbose',
        ...options,
      ].join('\n'),
    )
    const child = spawn('ip', ['netns', 'exec', host.namespace, 'turnserver', '-c', config], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const address = `${host.address}:${port}`
    const iceServers = [{ urls: `stun:${address}` }, { urls: `turn:${address}`, username, credential }] as const
    const relay = new TurnRelay(init, iceServers, child)
    // After its sockets it opens the list of its users.
    await relay.logged('SQLite DB connection success', 1)
    return relay
  }

  /** Resolves once it has logged as many lines that contain `text`. @throws Error when it ends before */
  async logged(text: string, count: number): Promise<void> {
    while (this.#log.filter((line) => line.includes(text)).length < count) {
      if (this.#process.exitCode !== null) throw new Error(`turnserver ended: ${this.#log.join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Bytes that devices and the relay have exchanged so far, headers included. */
  async exchangedBytes(): Promise<number> {
    const { host, port } = this.#init
    const list = ['nft', 'list', 'counters', 'table', 'ip', `relay-${port}`]
    const { stdout } = await run('ip', ['netns', 'exec', host.namespace, ...list])
    return Number(/bytes (\d+)/.exec(stdout)?.[1])
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}
