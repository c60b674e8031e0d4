import { randomBytes } from 'node:crypto'
import type { Logger } from '@dittofs/interface'
import type { Bus, BusListener } from './bus.ts'
import { decodeBusMessage, encodeBusMessage, INSTANCE_BYTES } from './bus-message.ts'

const CHANNEL_PREFIX = 'dittofs:signal:'
/** How long one command may take; after it the signal is treated as not delivered. */
const COMMAND_TIMEOUT_MS = 2000
const RECONNECT_MS = 1000
/** Commands that wait for Redis: what 20,000 devices ask for when it comes back. */
const MAX_COMMANDS = 65_536

export interface RedisBusInit {
  /** `redis://[user:password@]HOST[:PORT][/DB]`, or `rediss://` for TLS. */
  readonly url: string
  readonly logger: Logger
}

/** A bus by way of Redis: one publish/subscribe channel for each registered key. Not for a cluster of Redis servers. */
export async function redisBus(init: RedisBusInit): Promise<Bus> {
  // Loaded only here: an instance that stands alone needs no Redis client.
  const { createClient } = await import('@redis/client')
  const socket = { connectTimeout: COMMAND_TIMEOUT_MS, reconnectStrategy: RECONNECT_MS }
  const publisher = createClient({
    url: init.url,
    socket,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    pingInterval: 15_000,
  })
  // Subscriptions are kept while Redis is away and made again by the client when it is back.
  const subscriber = createClient({ url: init.url, socket, commandsQueueMaxLength: MAX_COMMANDS })
  return new RedisBus(publisher, subscriber, init.logger)
}

/** What of the Redis client is used. */
interface RedisClient {
  readonly isReady: boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'ready' | 'end' | 'reconnecting', listener: () => void): unknown
  connect(): Promise<unknown>
  destroy(): void
  publish(channel: string, message: Buffer): Promise<number>
  subscribe(channel: string, listener: (message: Buffer) => void, isBuffer: true): Promise<void>
  unsubscribe(channel: string): Promise<void>
}

class RedisBus implements Bus {
  readonly #publisher: RedisClient
  readonly #subscriber: RedisClient
  readonly #logger: Logger
  /** Which instance a claim is from: its own come back to it too. */
  readonly #instance = randomBytes(INSTANCE_BYTES).toString('hex')
  readonly #claimed = new Set<string>()
  #listener: BusListener | undefined
  #wasUp = false
  #isClosed = false

  constructor(publisher: RedisClient, subscriber: RedisClient, logger: Logger) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    this.#logger = logger
    for (const client of [publisher, subscriber]) {
      // Without a listener an error event ends the process; the loss itself is told by #notice.
      client.on('error', () => this.#notice())
      for (const event of ['ready', 'end', 'reconnecting'] as const) client.on(event, () => this.#notice())
    }
  }

  get isUp(): boolean {
    return this.#publisher.isReady && this.#subscriber.isReady
  }

  async open(listener: BusListener): Promise<void> {
    this.#listener = listener
    const connected = Promise.all([this.#publisher.connect(), this.#subscriber.connect()])
    await inTime(connected, undefined)
    if (!this.isUp)
      this.#logger.warn({ event: 'bus:down' }, 'The bus cannot be reached; devices here reach each other.')
  }

  async claim(key: string): Promise<void> {
    // A device that registers again is claimed already: a second listener would hand it everything twice.
    if (!this.#claimed.has(key)) {
      this.#claimed.add(key)
      const subscribed = this.#subscriber.subscribe(CHANNEL_PREFIX + key, (bytes) => this.#read(key, bytes), true)
      subscribed.catch(() => undefined)
      if (this.isUp) await inTime(subscribed, undefined)
    }
    await this.#publish(key, encodeBusMessage({ type: 'claim', instance: this.#instance }))
  }

  release(key: string): void {
    if (!this.#claimed.delete(key)) return
    if (!this.#isClosed) this.#subscriber.unsubscribe(CHANNEL_PREFIX + key).catch(() => undefined)
  }

  async publish(to: string, from: Uint8Array, sealed: Uint8Array): Promise<boolean> {
    return (await this.#publish(to, encodeBusMessage({ type: 'deliver', from, sealed }))) > 0
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const client of [this.#publisher, this.#subscriber]) {
      try {
        client.destroy()
      } catch {
        // It was never connected.
      }
    }
  }

  async #publish(key: string, message: Buffer): Promise<number> {
    if (!this.isUp) return 0
    return (await inTime(this.#publisher.publish(CHANNEL_PREFIX + key, message), 0)) ?? 0
  }

  #read(key: string, bytes: Buffer): void {
    const message = decodeBusMessage(bytes)
    if (message?.type === 'deliver') this.#listener?.onDeliver(key, message.from, message.sealed)
    else if (message !== undefined && message.instance !== this.#instance) this.#listener?.onClaim(key)
  }

  #notice(): void {
    if (this.#isClosed || this.#wasUp === this.isUp) return
    this.#wasUp = this.isUp
    if (this.#wasUp) this.#logger.info({ event: 'bus:up' }, 'The bus is up.')
    else this.#logger.warn({ event: 'bus:down' }, 'The bus was lost; devices here still reach each other.')
  }
}

/** @returns what the promise gives, or `otherwise` when it fails or takes too long */
async function inTime<T>(promise: Promise<T>, otherwise: T | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), COMMAND_TIMEOUT_MS)
  })
  try {
    return await Promise.race([promise, late])
  } catch {
    return otherwise
  } finally {
    clearTimeout(timer)
  }
}
