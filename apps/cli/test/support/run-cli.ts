import { Writable } from 'node:stream'
import { type Device, DittoError } from '@dittofs/interface'
import type { Ask } from '../../src/command-context.ts'
import type { DeviceAccess } from '../../src/device-access.ts'
import type { OutputStream } from '../../src/output/output.ts'
import { run } from '../../src/run.ts'

/** A stream that keeps what is written, and may say that it is a terminal. */
export class KeepingStream extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns = 100

  constructor(isTTY = false) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.text += text
    done()
  }
}

export interface CliOptions {
  /** What the device does; a method that is absent fails. */
  device?: Partial<Device>
  /** Whether a daemon runs. Default `true`. */
  isDaemon?: boolean
  access?: Partial<DeviceAccess>
  isTerminal?: boolean
  environment?: NodeJS.ProcessEnv
  stdout?: OutputStream
  signal?: AbortSignal
  now?: () => number
  /** What the person at the terminal answers; nobody is there without it. */
  ask?: Ask
}

export interface CliResult {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** How the device was opened, in order: `connect`, `open`, `open online`, `close`. */
  readonly steps: readonly string[]
}

/** Runs a command line in this process against a device that does what the test says. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const steps: string[] = []
  const device = {
    id: 'ALICE-ID',
    close: async () => void steps.push('close'),
    ...options.device,
  } as Device
  const access: DeviceAccess = {
    connect: async () => {
      steps.push('connect')
      if (options.isDaemon === false) throw new DittoError('DITTO_DAEMON_UNREACHABLE', 'No daemon runs.')
      return device
    },
    open: async ({ online }) => {
      steps.push(online ? 'open online' : 'open')
      return device
    },
    startDaemon: () => Promise.reject(new Error('this test starts no daemon')),
    examine: () => Promise.reject(new Error('this test examines nothing')),
    ...options.access,
  }
  const stdout = new KeepingStream(options.isTerminal)
  const stderr = new KeepingStream(options.isTerminal)
  const status = await run({
    args,
    environment: options.environment ?? { DITTOFS_HOME: '/home/alice/.dittofs' },
    directory: '/files',
    stdout: options.stdout ?? stdout,
    stderr,
    access,
    signal: options.signal ?? new AbortController().signal,
    ...(options.ask !== undefined && { ask: options.ask }),
    now: options.now ?? (() => Date.UTC(2026, 0, 2)),
  })
  return { status, stdout: stdout.text, stderr: stderr.text, steps }
}
