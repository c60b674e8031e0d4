import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

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

  private constructor(port: number, log: readonly string[], child: ChildProcess, exited: Promise<SignalingExit>) {
    this.port = port
    this.log = log
    this.#process = child
    this.#exited = exited
  }

  /** @throws Error when it ends before it listens */
  static async start(...args: readonly string[]): Promise<ProcessSignaling> {
    const { child, exited } = spawnSignaling(args)
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
    return new ProcessSignaling(await Promise.race([port, ended]), log, child, exited)
  }

  /** Runs it to its end. */
  static async run(...args: readonly string[]): Promise<SignalingExit> {
    return spawnSignaling(args).exited
  }

  get origin(): string {
    return `ws://127.0.0.1:${this.port}`
  }

  /** Asks it to end, as a service manager does. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<SignalingExit> {
    this.#process.kill(signal)
    return this.#exited
  }
}

function spawnSignaling(args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString()
  })
  const exited = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  return { child, exited }
}
