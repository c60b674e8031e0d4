import { type Clock, type DeviceKey, isDittoError, type Unsubscribe } from '@dittofs/interface'
import { encodeMetadata, MetadataJoiner, type MetadataMessage } from '@dittofs/wire'
import type { ChangeReceiver, SpaceMetadata } from './space-metadata.ts'
import { Wakeup } from './wakeup.ts'

/** Messages of a peer that wait to be applied; past it nothing more is read from the peer. */
const MAX_INBOX_BYTES = 16 * 1024 * 1024
/** Changes that wait for a slow peer; past it they are dropped, and the peer is told to ask for what it lacks. */
const MAX_OUTBOX_BYTES = 16 * 1024 * 1024
/** A second gap within this time ends the link: a peer that sends gaps on purpose costs nothing more. */
const GAP_INTERVAL_MS = 60_000

export interface MetadataExchangeInit {
  metadata: SpaceMetadata
  peer: DeviceKey
  clock: Clock
  /** Number of the space in messages to the peer. */
  spaceNumber: number
  /** Whether the peer may change the space, and whether this device may. Asked for each message: roles change. */
  isPeerWriter: () => boolean
  isSelfWriter: () => boolean
  /** Sends one frame; resolves when there is room for the next. */
  write: (parts: readonly Uint8Array[]) => Promise<void>
  /** `isCaughtUp` or `isIdle` may have changed. */
  onChange: () => void
}

/**
 * The exchange of one space's metadata with one peer: each side says what it holds and gets what it lacks; then every
 * change is passed on as it happens.
 */
export class MetadataExchange implements ChangeReceiver {
  readonly #init: MetadataExchangeInit
  readonly #joiner = new MetadataJoiner()
  readonly #wakeup = new Wakeup()
  readonly #leave: Unsubscribe
  #inbox: { readonly bytes: Uint8Array; readonly isHello: boolean }[] = []
  #inboxBytes = 0
  #outbox: { readonly messages: Iterable<Uint8Array>; readonly bytes: number; readonly isHello: boolean }[] = []
  #outboxBytes = 0
  /** Changes made while a `hello` is being answered: they follow the answer. */
  #held: Uint8Array[] | undefined
  /** Whether the peer has been given what it lacked, so that changes make sense to it. */
  #isTold = false
  #isSending = false
  #isReceiving = false
  /** What the peer said it holds, until this device holds it too. */
  #lacking: Uint8Array | undefined
  #isHeard = false
  #lastGapAt: number | undefined

  constructor(init: MetadataExchangeInit) {
    this.#init = init
    this.#leave = init.metadata.join(this)
    this.#sendHello()
  }

  /** Whether this device holds all that the peer said it holds. What a reader holds does not count: it may not pass it on. */
  get isCaughtUp(): boolean {
    if (!this.#isHeard || this.#inbox.length > 0 || this.#isReceiving) return false
    if (this.#lacking === undefined || !this.#init.isPeerWriter()) return true
    if (!this.#init.metadata.store.holds(this.#lacking)) return false
    this.#lacking = undefined
    return true
  }

  /** Whether everything the peer was found to lack has been sent. */
  get isIdle(): boolean {
    return this.#isTold && this.#outbox.length === 0 && !this.#isSending
  }

  /**
   * Takes one frame. Await it before reading the next: it waits while too much is waiting to be applied.
   *
   * @throws DittoError DITTO_LIMIT, DITTO_PROTOCOL
   */
  async push(part: MetadataMessage, signal: AbortSignal): Promise<void> {
    const message = this.#joiner.push(part)
    if (message === undefined) return
    this.#inbox.push(message)
    this.#inboxBytes += message.bytes.length
    this.#wakeup.wake()
    while (this.#inboxBytes > MAX_INBOX_BYTES) await this.#wakeup.wait({ signal })
  }

  changed(messages: readonly Uint8Array[]): void {
    if (!this.#isTold || !this.#init.isSelfWriter()) return
    if (this.#held !== undefined) {
      this.#held.push(...messages)
      return
    }
    this.#enqueue(messages)
  }

  /**
   * Applies what arrives and sends what changes until the signal is aborted.
   *
   * @throws DittoError what the metadata store found wrong with a message: DITTO_UPDATE_INVALID, DITTO_UPDATE_GAP,
   *   DITTO_ROLE, DITTO_LIMIT
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#receiveAll(signal), this.#sendAll(signal)])
    } finally {
      this.#leave()
    }
  }

  async #receiveAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const message = this.#inbox.shift()
      if (message === undefined) {
        await this.#wakeup.wait({ signal })
        continue
      }
      this.#isReceiving = true
      if (message.isHello) await this.#receiveHello(message.bytes)
      else await this.#receiveUpdate(message.bytes)
      this.#isReceiving = false
      this.#inboxBytes -= message.bytes.length
      this.#wakeup.wake()
      this.#init.onChange()
    }
  }

  async #receiveHello(hello: Uint8Array): Promise<void> {
    const { metadata, peer, isPeerWriter, isSelfWriter } = this.#init
    const isFirst = !this.#isHeard
    this.#isTold = true
    this.#held ??= []
    const answer = await metadata.receive(hello, peer, isPeerWriter(), this)
    const held = this.#held
    this.#held = undefined
    // A reader may not pass changes on: a full member would end the link over it.
    if (isSelfWriter()) {
      this.#outbox.push({ messages: answer, bytes: 0, isHello: false })
      if (held.length > 0) this.#enqueue(held)
    }
    this.#isHeard = true
    this.#lacking = hello
    if (!isFirst && isPeerWriter() && !metadata.store.holds(hello)) this.#sendHello()
    this.#wakeup.wake()
  }

  async #receiveUpdate(message: Uint8Array): Promise<void> {
    const { metadata, peer, isPeerWriter, isSelfWriter, clock } = this.#init
    try {
      const answer = await metadata.receive(message, peer, isPeerWriter(), this)
      if (isSelfWriter()) this.#outbox.push({ messages: answer, bytes: 0, isHello: false })
    } catch (error) {
      if (!isDittoError(error, 'DITTO_UPDATE_GAP')) throw error
      const now = clock.monotonic()
      if (this.#lastGapAt !== undefined && now - this.#lastGapAt < GAP_INTERVAL_MS) throw error
      this.#lastGapAt = now
      this.#sendHello()
    }
    this.#wakeup.wake()
  }

  #sendHello(): void {
    this.#outbox.push({ messages: [this.#init.metadata.store.hello()], bytes: 0, isHello: true })
    this.#wakeup.wake()
  }

  #enqueue(messages: readonly Uint8Array[]): void {
    let bytes = 0
    for (const message of messages) bytes += message.length
    if (this.#outboxBytes + bytes > MAX_OUTBOX_BYTES) {
      this.#outbox = this.#outbox.filter((item) => item.bytes === 0)
      this.#outboxBytes = 0
      this.#sendHello()
      return
    }
    this.#outbox.push({ messages, bytes, isHello: false })
    this.#outboxBytes += bytes
    this.#wakeup.wake()
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const item = this.#outbox.shift()
      if (item === undefined) {
        await this.#wakeup.wait({ signal })
        continue
      }
      this.#isSending = true
      this.#outboxBytes -= item.bytes
      for (const message of item.messages) {
        for (const parts of encodeMetadata(this.#init.spaceNumber, message, item.isHello)) await this.#init.write(parts)
      }
      this.#isSending = false
      this.#init.onChange()
    }
  }
}
