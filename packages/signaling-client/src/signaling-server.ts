import { type AbortOptions, type Clock, type DiscoveryState, DittoError, type RandomBytes } from '@dittofs/interface'
import { Pace } from './pace.ts'
import { reconnectDelayMs } from './reconnect-delay.ts'
import { type Delivery, ServerConnection } from './server-connection.ts'
import type { SignalingKey } from './signaling-key.ts'
import { unlessAborted } from './unless-aborted.ts'

/** What servers let through of one key; a little below it, since their clocks run by themselves. */
const MESSAGES = { perSecond: 19, burst: 19 }
const BYTES = { perSecond: 62 * 1024, burst: 62 * 1024 }
/** Signals that wait to be sent to one server. */
const MAX_WAITING = 256
/** A connection that lived this long was no failure. */
const STABLE_MS = 60_000
/** After this long without a signal a connection that was opened for one is closed. */
const IDLE_MS = 120_000

export interface SignalingServerInit {
  readonly key: SignalingKey
  readonly clock: Clock
  readonly randomBytes: RandomBytes
  readonly ca?: string
  /** Whether to stay registered; otherwise connected only while there are signals to carry. */
  readonly isKept: boolean
  readonly onDeliver: (from: Uint8Array, sealed: Uint8Array) => void
  /** It came or went. */
  readonly onChange: () => void
}

/** One signaling server as a device sees it: a connection that is made again when it fails, or made when needed. */
export class SignalingServer {
  readonly key: SignalingKey
  readonly #init: SignalingServerInit
  readonly #life = new AbortController()
  readonly #messages = new Pace(MESSAGES)
  readonly #bytes = new Pace(BYTES)
  #connection: ServerConnection | undefined
  /** Aborted when there is no reason to wait before the next connection. */
  #patience = new AbortController()
  /** Resolves once a renewed connection has taken the place of the one before. */
  #renewed: Promise<unknown> = Promise.resolve()
  #hasConnection: () => void = () => undefined
  #running: Promise<void> | undefined
  #isUp = false
  #reason = 'It has not been reached yet.'
  #lastUseMs = 0
  #waiting = 0
  /** Signals leave one after another, in the order they came. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(init: SignalingServerInit) {
    this.key = init.key
    this.#init = init
    if (init.isKept) this.#running = this.#stayRegistered()
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Whether it would connect again by itself, or still has something to do. */
  get isNeeded(): boolean {
    return this.#init.isKept || this.#running !== undefined || this.#waiting > 0
  }

  state(): DiscoveryState {
    const name = this.key.origin
    return this.#isUp ? { name, isUp: true } : { name, isUp: false, reason: this.#reason }
  }

  /**
   * Sends what `seal` gives as soon as the server's limits allow it.
   *
   * @throws DittoError DITTO_PEER_UNREACHABLE, DITTO_LIMIT (too much waits already), DITTO_CLOSED
   */
  async send(to: Uint8Array, seal: () => Promise<Uint8Array>, options: AbortOptions): Promise<Delivery> {
    if (this.#waiting >= MAX_WAITING) {
      throw new DittoError('DITTO_LIMIT', 'Too many signals wait to be sent to that server: try again later.')
    }
    this.#waiting++
    const own = AbortSignal.any([this.#life.signal, ...(options.signal === undefined ? [] : [options.signal])])
    const written = this.#turn.then(() => this.#write(to, seal, own))
    this.#turn = written.catch(() => undefined)
    try {
      const { answer } = await written
      return await answer
    } finally {
      this.#waiting--
    }
  }

  /** @returns once the signal is on its way; what became of it comes later, so that the next one need not wait for it */
  async #write(
    to: Uint8Array,
    seal: () => Promise<Uint8Array>,
    signal: AbortSignal,
  ): Promise<{ answer: Promise<Delivery> }> {
    signal.throwIfAborted()
    const connection = await this.#registered(signal)
    const sealed = await seal()
    await this.#waitForPace(sealed.length, signal)
    this.#lastUseMs = this.#init.clock.monotonic()
    const answer = connection.send(to, sealed)
    answer.catch(() => undefined)
    return { answer }
  }

  /** Gives up the connection, which may be one of a network that is gone, for a new one. */
  renew(): void {
    if (this.#life.signal.aborted || this.#running === undefined) return
    this.#renewed = this.#init.isKept
      ? new Promise<void>((resolve) => {
          this.#hasConnection = resolve
        })
      : this.#running
    this.#patience.abort()
    this.#patience = new AbortController()
    this.#connection?.drop()
  }

  /** Drops all that waits, and leaves the server. */
  async close(): Promise<void> {
    this.#life.abort(new DittoError('DITTO_CLOSED', 'Signaling was closed.'))
    await this.#connection?.close()
    await this.#running
  }

  async #registered(signal: AbortSignal): Promise<ServerConnection> {
    await unlessAborted(this.#renewed, signal)
    if (this.#running === undefined) this.#running = this.#serveOnce()
    const connection = this.#connection
    if (connection === undefined) throw new DittoError('DITTO_PEER_UNREACHABLE', this.#reason)
    await unlessAborted(connection.registered, signal)
    return connection
  }

  async #waitForPace(bytes: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    for (;;) {
      const now = clock.monotonic()
      const delayMs = Math.max(this.#messages.delayMs(1, now), this.#bytes.delayMs(bytes, now))
      if (delayMs === 0) break
      await clock.sleep(delayMs, { signal })
    }
    this.#messages.take(1, clock.monotonic())
    this.#bytes.take(bytes, clock.monotonic())
  }

  async #stayRegistered(): Promise<void> {
    const { clock, randomBytes } = this.#init
    for (let failures = 0; !this.#life.signal.aborted; ) {
      const startedMs = clock.monotonic()
      const { signal: hurry } = this.#patience
      await this.#serve()
      if (this.#life.signal.aborted) return
      if (hurry.aborted) {
        failures = 0
        continue
      }
      failures = clock.monotonic() - startedMs >= STABLE_MS ? 1 : failures + 1
      const random = Buffer.from(randomBytes(4)).readUInt32BE() / 2 ** 32
      await clock
        .sleep(reconnectDelayMs(failures, random), { signal: AbortSignal.any([this.#life.signal, hurry]) })
        .catch(() => undefined)
    }
  }

  async #serveOnce(): Promise<void> {
    const idle = new AbortController()
    const served = this.#serve()
    void this.#closeWhenIdle(idle.signal)
    await served
    idle.abort()
    this.#running = undefined
  }

  /** One connection, from its making to its end. */
  async #serve(): Promise<void> {
    const { key, clock, ca, onDeliver, onChange } = this.#init
    this.#lastUseMs = clock.monotonic()
    const connection = new ServerConnection({
      key,
      clock,
      ...(ca !== undefined && { ca }),
      onDeliver: (from, sealed) => {
        this.#lastUseMs = clock.monotonic()
        onDeliver(from, sealed)
      },
    })
    this.#connection = connection
    this.#hasConnection()
    try {
      await connection.registered
      this.#isUp = true
      onChange()
    } catch {
      // Why it failed is what `ended` gives.
    }
    this.#reason = await connection.ended
    this.#connection = undefined
    if (!this.#isUp) return
    this.#isUp = false
    onChange()
  }

  async #closeWhenIdle(signal: AbortSignal): Promise<void> {
    const { clock } = this.#init
    try {
      for (;;) {
        const leftMs = this.#lastUseMs + IDLE_MS - clock.monotonic()
        if (leftMs <= 0 && this.#waiting === 0) break
        await clock.sleep(Math.max(leftMs, 1000), { signal })
      }
      await this.#connection?.close()
    } catch {
      // The connection ended before it was idle.
    }
  }
}
