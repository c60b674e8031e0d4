import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { TestHost } from './network.ts'

/** The command line of this checkout, as built. Tests and benchmarks run in its root. */
const CLI_ENTRY = path.resolve('apps/cli/bin/dittofs.js')

export interface CommandResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface ProcessDeviceInit {
  home: string
  name: string
  /** Runs everything of the device in this host's network. */
  host?: TestHost
  /** Runs everything of the device as this user instead of root. */
  user?: string
  daemonArgs?: readonly string[]
  /** What runs the daemon in place of the Node of this process. */
  daemonLauncher?: readonly string[]
  /** Variables that everything of the device gets beside those of this process. */
  environment?: NodeJS.ProcessEnv
}

/** A command that goes on until it is told to end. */
export interface RunningCommand {
  /** The first line that it printed. */
  readonly line: string
  /** Sends a signal. @returns the exit status; `null` where the signal itself was the end */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** A device as users have it: a home, commands, and a daemon process that can be killed. */
export class ProcessDevice {
  readonly home: string
  readonly name: string
  readonly #host: TestHost | undefined
  readonly #user: string | undefined
  readonly #daemonArgs: readonly string[]
  readonly #daemonLauncher: readonly string[] | undefined
  readonly #environment: NodeJS.ProcessEnv | undefined
  #daemon: ChildProcess | undefined
  readonly #begun = new Set<ChildProcess>()
  /** What the daemon printed on stderr since its start. */
  log = ''
  ready: { device: { id: string; name: string }; addresses: string[] } | undefined

  constructor(init: ProcessDeviceInit) {
    this.home = init.home
    this.name = init.name
    this.#host = init.host
    this.#user = init.user
    this.#daemonArgs = init.daemonArgs ?? []
    this.#daemonLauncher = init.daemonLauncher
    this.#environment = init.environment
  }

  get daemonPid(): number | undefined {
    return this.#daemon?.pid
  }

  #spawn(args: readonly string[], cwd = process.cwd(), launcher: readonly string[] = [process.execPath]): ChildProcess {
    const [program, ...rest] = [
      ...(this.#host === undefined ? [] : ['ip', 'netns', 'exec', this.#host.namespace]),
      ...(this.#user === undefined ? [] : ['setpriv', `--reuid=${this.#user}`, '--clear-groups']),
      ...launcher,
      CLI_ENTRY,
      ...args,
    ]
    return spawn(program as string, rest, {
      cwd,
      env: { ...process.env, ...this.#environment, DITTOFS_HOME: this.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Runs one command to its end. */
  async run(...args: readonly string[]): Promise<CommandResult> {
    return this.runIn(process.cwd(), ...args)
  }

  /** Runs one command to its end in a directory. */
  async runIn(directory: string, ...args: readonly string[]): Promise<CommandResult> {
    const child = this.#spawn(args, directory)
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, stdout, stderr }
  }

  /** Runs a command that must succeed, and gives what it printed. */
  async must(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(...args)
    if (status !== 0)
      throw new Error(`dittofs ${args.join(' ')} on ${this.name} ended with ${status}: ${stderr}${stdout}`)
    return stdout
  }

  /** Runs a command that must succeed, and gives the JSON document it printed. */
  async json<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.must('--json', ...args)) as T
  }

  /** Starts a command that goes on until it is told to end, and returns when it has printed a line. */
  async begin(...args: readonly string[]): Promise<RunningCommand> {
    const child = this.#spawn(args)
    this.#begun.add(child)
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const ended = once(child, 'exit') as Promise<[number | null]>
    const line = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
    })
    const early = ended.then(([status]) => {
      throw new Error(`dittofs ${args.join(' ')} on ${this.name} ended with ${String(status)}: ${said}`)
    })
    early.catch(() => undefined)
    return {
      line: await Promise.race([line, early]),
      end: async (signal) => {
        child.kill(signal)
        return (await ended)[0]
      },
    }
  }

  /** The value of one metric of the running daemon. */
  async metric(name: string): Promise<number> {
    const socketPath = path.join(this.home, 'run', 'control.sock')
    const asked = request({ socketPath, path: '/metrics', headers: { host: 'localhost' } }).end()
    const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream]
    let text = ''
    for await (const piece of response.setEncoding('utf8')) text += piece as string
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
    if (line === undefined) throw new Error(`no metric ${name}`)
    return Number(line.slice(name.length))
  }

  /** Starts the daemon and returns when it says that it is ready. */
  async start(...moreArgs: readonly string[]): Promise<void> {
    const args = ['daemon', '--json', '--name', this.name, ...this.#daemonArgs, ...moreArgs]
    const daemon = this.#spawn(args, undefined, this.#daemonLauncher)
    this.#daemon = daemon
    this.log = ''
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text
    })
    const ended = once(daemon, 'exit').then(([status]) => {
      throw new Error(`the daemon of ${this.name} ended with ${String(status)}: ${this.log}`)
    })
    const ready = new Promise<string>((resolve) => {
      createInterface({ input: daemon.stdout as NodeJS.ReadableStream }).once('line', resolve)
    })
    this.ready = JSON.parse(await Promise.race([ready, ended])) as NonNullable<ProcessDevice['ready']>
    ended.catch(() => undefined)
  }

  /** Ends the daemon as a user would, and gives its exit status. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<number | null> {
    return this.#end(signal)
  }

  /** Ends the daemon, and commands that go on, as a power cut would. */
  async kill(): Promise<void> {
    for (const child of this.#begun) child.kill('SIGKILL')
    this.#begun.clear()
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const daemon = this.#daemon
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return daemon?.exitCode ?? null
    const ended = once(daemon, 'exit')
    daemon.kill(signal)
    const [status] = (await ended) as [number | null]
    this.#daemon = undefined
    return status
  }
}
