import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { TestHost } from '../../test/support/network.ts'

/** A program that runs in a host's network until it is stopped. */
export class HostProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  /** @param log - a file that gets what the program prints; without it only the first line of stdout can be read */
  constructor(host: TestHost, command: readonly string[], environment: NodeJS.ProcessEnv = {}, log?: string) {
    const output = log === undefined ? undefined : openSync(log, 'a')
    this.#child = spawn('ip', ['netns', 'exec', host.namespace, ...command], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', output ?? 'pipe', output ?? 'inherit'],
    })
    if (output !== undefined) closeSync(output)
    this.#ended = once(this.#child, 'exit')
  }

  async firstLine(): Promise<string> {
    const { stdout } = this.#child
    if (stdout === null) throw new Error('what it prints goes to a file')
    const [line] = (await once(createInterface({ input: stdout }), 'line')) as [string]
    return line
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill()
    await this.#ended
  }
}

/** Runs a program in a host's network to its end. @throws Error when it fails */
export async function runAt(
  host: TestHost,
  command: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', host.namespace, ...command], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4000)
  })
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${said}`)
}

/** The first of these programs that is not installed. */
export function missingProgram(...programs: readonly string[]): string | undefined {
  return programs.find((program) => {
    try {
      execFileSync('sh', ['-c', 'command -v "$1"', 'sh', program], { stdio: 'ignore' })
      return false
    } catch {
      return true
    }
  })
}
