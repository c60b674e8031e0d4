import { type ChildProcessByStdio, spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { TestHost } from './network.ts'

const SCRIPT = path.join(import.meta.dirname, 'webrtc-device.mjs')

/** Resident memory of a device: after the first 16 MiB, where there were as many, and the most it ever was. */
export interface DeviceMemory {
  readonly settledBytes?: number
  readonly peakBytes: number
}

/** What a device prints. */
export type DeviceLine =
  | { readonly event: 'addresses'; readonly addresses: readonly string[] }
  | { readonly event: 'progress'; readonly received: number }
  | { readonly event: 'received'; readonly bytes: number; readonly sha256: string; readonly memory: DeviceMemory }
  | { readonly event: 'sent'; readonly sha256: string; readonly memory: DeviceMemory }
  | { readonly event: 'error'; readonly message: string }

export interface WebRtcDeviceInit {
  /** Of the signaling server. */
  readonly server: string
  readonly iceServers: readonly object[]
  /** To offer beside those of the interfaces. */
  readonly hostAddresses?: readonly string[]
  /** Whom to dial; it listens without. */
  readonly dial?: string
  /** To send over each connection. */
  readonly bytes?: number
  /** Keeps the last of them until {@link WebRtcDevice.finish}. */
  readonly waits?: boolean
}

/** A device with the WebRTC transport alone, as a process of its own: in the network of a host, or in that of the test. */
export class WebRtcDevice {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: DeviceLine[] = []
  readonly #exited: Promise<number | null>
  #hasEnded = false
  #wake: () => void = () => undefined

  /** @param environment - variables beside those of this process */
  constructor(host: TestHost | undefined, init: WebRtcDeviceInit, environment: NodeJS.ProcessEnv = {}) {
    const enter = host === undefined ? [] : ['ip', 'netns', 'exec', host.namespace]
    const [program, ...args] = [...enter, process.execPath, SCRIPT, JSON.stringify(init)]
    this.#child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code) => {
        this.#hasEnded = true
        this.#wake()
        resolve(code)
      })
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as DeviceLine)
      this.#wake()
    })
  }

  /** The first line, come or still to come, that `matches`. @throws Error when the device reports an error or ends */
  async line<T extends DeviceLine['event']>(
    event: T,
    matches: (line: Extract<DeviceLine, { event: T }>) => boolean = () => true,
  ): Promise<Extract<DeviceLine, { event: T }>> {
    for (;;) {
      for (const line of this.#lines) {
        if (line.event === event && matches(line as Extract<DeviceLine, { event: T }>)) {
          return line as Extract<DeviceLine, { event: T }>
        }
        if (line.event === 'error') throw new Error(`the device failed: ${line.message}`)
      }
      if (this.#hasEnded) throw new Error('the device ended too early; see its standard error')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Where others reach it, once it is registered at the signaling server. */
  async address(): Promise<string> {
    const { addresses } = await this.line('addresses', (line) => line.addresses.length > 0)
    return addresses[0] as string
  }

  /** Tells it that its network is another one. */
  noticeNetworkChange(): void {
    this.#child.stdin.write('networkChanged\n')
  }

  /** Sends what it kept back. */
  finish(): void {
    this.#child.stdin.write('finish\n')
  }

  /** @returns its exit code */
  async stop(): Promise<number | null> {
    if (!this.#hasEnded) this.#child.stdin.end()
    return this.#exited
  }
}
