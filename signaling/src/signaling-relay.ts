import type { WebSocket } from 'ws'
import { AddressGate } from './address-gate.ts'
import type { Bus } from './bus.ts'
import { addressSource } from './client-address.ts'
import { DeviceConnection, type DeviceConnectionHost } from './device-connection.ts'
import type { CloseCause, RelayObserver, RelayResult } from './relay-observer.ts'
import type { ServerLimits } from './server-limits.ts'
import { isOwnOrigin } from './verify-registration.ts'

/** How often waiting connections are looked at, and every how many times the registered ones too. */
const SWEEP_MS = 1000
const FULL_SWEEP_EVERY = 10

export interface SignalingRelayInit {
  readonly limits: ServerLimits
  /** The names devices know this server by; the one they asked for when empty. */
  readonly origins: ReadonlySet<string>
  readonly observer: RelayObserver
  readonly bus?: Bus
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  /** From 0 to below 1. */
  readonly random: () => number
}

export interface RelayCounts {
  readonly connections: number
  readonly registered: number
  readonly queuedBytes: number
}

/**
 * Who is registered by which key, and the way of a signal from one to the other: here, or by the bus. Keeps nothing
 * of what it passes on.
 */
export class SignalingRelay implements DeviceConnectionHost {
  readonly limits: ServerLimits
  readonly gate: AddressGate
  readonly #init: SignalingRelayInit
  /** Each with a way to tell how many bytes came over its socket. */
  readonly #connections = new Map<DeviceConnection, () => number>()
  readonly #waiting = new Set<DeviceConnection>()
  readonly #devices = new Map<string, DeviceConnection>()
  readonly #timer: NodeJS.Timeout
  #queuedBytes = 0
  #sweeps = 0

  constructor(init: SignalingRelayInit) {
    this.#init = init
    this.limits = init.limits
    this.gate = new AddressGate(init.limits)
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS)
    this.#timer.unref()
  }

  /** Connects it to the other instances, if there are any. */
  async open(): Promise<void> {
    await this.#init.bus?.open({
      onDeliver: (to, from, sealed) => void this.#deliver(to, from, sealed),
      onClaim: (key) => this.#devices.get(key)?.close('replaced'),
    })
  }

  counts(): RelayCounts {
    return {
      connections: this.#connections.size,
      registered: this.#devices.size,
      queuedBytes: this.#queuedBytes,
    }
  }

  get isBusUp(): boolean | undefined {
    return this.#init.bus?.isUp
  }

  get isFull(): boolean {
    return this.#connections.size >= this.limits.maxConnections
  }

  /** Takes a new connection over. The gate has let it in already; it is told when the connection has ended. */
  accept(socket: WebSocket, address: string, hostHeader: string | undefined, rawBytes: () => number): void {
    const connection = new DeviceConnection(socket, { address, source: addressSource(address), hostHeader }, this)
    this.#connections.set(connection, rawBytes)
    this.#waiting.add(connection)
    if (this.#waiting.size <= this.limits.maxUnregistered) return
    // A random one: silent connections cannot keep a device out for longer than its next try.
    const index = Math.floor(this.#init.random() * this.#waiting.size)
    ;[...this.#waiting][index]?.close('room')
  }

  /** Sends all devices away; they come back to another instance, or to this one later. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const connection of [...this.#connections.keys()]) connection.close('going-away')
    await this.#init.bus?.close()
  }

  nowMs(): number {
    return this.#init.nowMs()
  }

  mayRegister(connection: DeviceConnection): boolean {
    return this.gate.mayRegister(connection.source, this.nowMs())
  }

  isOwnOrigin(connection: DeviceConnection, origin: string): boolean {
    return isOwnOrigin(origin, this.#init.origins, connection.hostHeader)
  }

  async register(connection: DeviceConnection, key: string): Promise<void> {
    this.#waiting.delete(connection)
    connection.key = key
    const older = this.#devices.get(key)
    // Set first: closing the older one must not take the key away.
    this.#devices.set(key, connection)
    older?.close('replaced')
    this.#init.observer.onRegister(key, connection.address)
    await this.#init.bus?.claim(key)
  }

  relay(from: Uint8Array, to: string, sealed: Uint8Array): RelayResult | Promise<RelayResult> {
    const here = this.#deliver(to, from, sealed)
    if (here !== 'absent' || this.#init.bus === undefined) return here
    return this.#init.bus.publish(to, from, sealed).then((wasTaken) => (wasTaken ? 'sent' : 'absent'))
  }

  onQueued(bytes: number): void {
    this.#queuedBytes += bytes
  }

  onRelay(result: RelayResult, bytes: number): void {
    this.#init.observer.onRelay(result, bytes)
  }

  onClose(connection: DeviceConnection, cause: CloseCause): void {
    this.#connections.delete(connection)
    this.#waiting.delete(connection)
    if (connection.key !== undefined && this.#devices.get(connection.key) === connection) {
      this.#devices.delete(connection.key)
      this.#init.bus?.release(connection.key)
    }
    this.#init.observer.onClose(cause, connection.address)
  }

  #deliver(to: string, from: Uint8Array, sealed: Uint8Array): 'sent' | 'absent' | 'queue' {
    const receiver = this.#devices.get(to)
    if (receiver === undefined) return 'absent'
    if (this.#queuedBytes + sealed.length > this.limits.maxQueuedBytes) return 'queue'
    return receiver.deliver(from, sealed)
  }

  #sweep(): void {
    this.#sweeps++
    const isFull = this.#sweeps % FULL_SWEEP_EVERY === 0
    if (isFull) this.gate.sweep(this.nowMs())
    for (const connection of isFull ? [...this.#connections.keys()] : [...this.#waiting]) {
      connection.sweep(this.#connections.get(connection)?.() ?? 0)
    }
  }
}
