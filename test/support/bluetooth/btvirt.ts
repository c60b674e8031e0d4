import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const SHIM_SOURCE = path.join(import.meta.dirname, 'btvirt-shim.c')
const PRELOAD = path.join(import.meta.dirname, 'preload.cjs')

/** HCI Reset, and the beginning of what a controller answers. */
const RESET = Buffer.from([0x01, 0x03, 0x0c, 0x00])
const COMMAND_COMPLETE = Buffer.from([0x04, 0x0e])

const READY_TIMEOUT_MS = 5_000
const RETRY_MS = 20

/** Why there can be no emulated controllers here; `undefined` when there can. */
export function bluetoothUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'emulated Bluetooth controllers need Linux'
  if (spawnSync('btvirt', ['--version']).error !== undefined) return 'btvirt is missing (Debian: bluez-test-tools)'
  if (spawnSync('gcc', ['--version']).error !== undefined) return 'gcc is missing (Debian: gcc and libc6-dev)'
  return undefined
}

export interface Btvirt {
  /** What a process needs for its noble and bleno to have a controller each. */
  readonly environment: NodeJS.ProcessEnv
  stop(): Promise<void>
}

/** Starts an emulator of Bluetooth LE controllers that are all within reach of each other. It holds 16 of them. */
export async function startBtvirt(): Promise<Btvirt> {
  // Short, for the path of a socket has 108 bytes.
  const directory = mkdtempSync(path.join(tmpdir(), 'btvirt-'))
  const shim = path.join(directory, 'shim.so')
  const built = spawnSync('gcc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', shim, SHIM_SOURCE, '-ldl'])
  if (built.status !== 0) throw new Error(`the shim of btvirt cannot be built: ${built.stderr.toString()}`)
  const emulator = spawn('btvirt', ['-s', '-L'], {
    env: { PATH: process.env.PATH, BTVIRT_DIR: directory, LD_PRELOAD: shim },
    stdio: 'ignore',
  })
  const ended = once(emulator, 'exit')
  const socket = path.join(directory, 'bt-server-le')
  const stop = async () => {
    emulator.kill('SIGTERM')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  // Its socket is there before it, so it is asked until a controller answers.
  for (const giveUpAt = Date.now() + READY_TIMEOUT_MS; !(await answers(socket)); ) {
    if (emulator.exitCode === null && Date.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      continue
    }
    await stop()
    throw new Error('btvirt does not answer')
  }
  return { environment: { NODE_OPTIONS: `--require=${PRELOAD}`, BTVIRT_SOCKET: socket }, stop }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const settle = (hasAnswered: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(hasAnswered)
    }
    const timer = setTimeout(() => settle(false), 500)
    socket.once('error', () => settle(false))
    socket.once('close', () => settle(false))
    socket.once('connect', () => socket.write(RESET))
    socket.once('data', (bytes) => settle(bytes.subarray(0, 2).equals(COMMAND_COMPLETE)))
  })
}
