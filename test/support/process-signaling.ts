import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { TestHost } from './network.ts'

const PROGRAM = path.resolve('signaling/bin/dittofs-signaling.js')

/** What a signaling server that has ended leaves. */
export interface SignalingExit {
  readonly code: number | null
  readonly stderr: string
}

/** The signaling server as users run it: a process of its own. */
export class ProcessSignaling {
  readonly port: number
  /** Lines it logged. */
  readonly log: readonly string[]
  readonly #process: ChildProcess
  readonly #exited: Promise<SignalingExit>
  readonly #address: string

  private constructor(
    address: string,
    port: number,
    log: readonly string[],
    child: ChildProcess,
    exited: Promise<SignalingExit>,
  ) {
    this.#address = address
    this.port = port
    this.log = log
    this.#process = child
    this.#exited = exited
  }

  /** @throws Error when it ends before it listens */
  static async start(...args: readonly string[]): Promise<ProcessSignaling> {
    return ProcessSignaling.#await('127.0.0.1', spawnSignaling(args))
  }

  /** Starts it in the network of a host, where it listens at the host's address. @throws likewise */
  static async startAt(host: TestHost): Promise<ProcessSignaling> {
    const { namespace, address } = host
    return ProcessSignaling.#await(address, spawnSignaling(['--host', address, '--port', '0'], namespace))
  }

  static async #await(
    address: string,
    { child, exited }: ReturnType<typeof spawnSignaling>,
  ): Promise<ProcessSignaling> {
    const log: string[] = []
    const port = new Promise<number>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        log.push(line)
        const entry = JSON.parse(line) as { event?: string; port?: number }
        if (entry.event === 'server:listen') resolve(entry.port as number)
      })
    })
    const ended = exited.then(({ code, stderr }) => {
      throw new Error(`the signaling server ended with status ${code}: ${stderr}`)
    })
    return new ProcessSignaling(address, await Promise.race([port, ended]), log, child, exited)
  }

  /** Runs it to its end. */
  static async run(...args: readonly string[]): Promise<SignalingExit> {
    return spawnSignaling(args).exited
  }

  get origin(): string {
    const host = isIPv6(this.#address) ? `[${this.#address}]` : this.#address
    return `ws://${host}:${this.port}`
  }

  /** Asks it to end, as a service manager does. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<SignalingExit> {
    this.#process.kill(signal)
    return this.#exited
  }
}

function spawnSignaling(args: readonly string[], namespace?: string) {
  const enter = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
  const [program, ...rest] = [...enter, process.execPath, PROGRAM, ...args]
  const child = spawn(program as string, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString()
  })
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  return { child, exited }
}
