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
  /** The peer began the exchange, or began it anew. */
  onPeerBegan: () => void
}

interface Outgoing {
  readonly messages: Iterable<Uint8Array>
  /** Bytes of changes, which may be dropped; 0 for what the peer waits for. */
  readonly bytes: number
  /** The exchange it belongs to; what is left of an earlier one is not sent any more. */
  readonly round: number
  readonly isHello: boolean
}

/**
 * The exchange of one space's metadata with one peer over one link: each side says what it holds and gets what it lacks;
 * then every change is passed on as it happens.
 *
 * It begins once the link is the best one to the peer, or the peer takes it for that, and pauses when another link takes
 * over. Begun again it starts from what each side holds then. While it pauses, whatever arrives is taken all the same.
 */
export class MetadataExchange implements ChangeReceiver {
  readonly #init: MetadataExchangeInit
  readonly #joiner = new MetadataJoiner()
  readonly #wakeup = new Wakeup()
  readonly #leave: Unsubscribe
  #inbox: { readonly bytes: Uint8Array; readonly isHello: boolean }[] = []
  #inboxBytes = 0
  #outbox: Outgoing[] = []
  #outboxBytes = 0
  /** Changes made while a `hello` is being answered: they follow the answer. */
  #held: Uint8Array[] | undefined
  #round = 0
  #hellosSent = 0
  #hellosHeard = 0
  /** Whether the peer has said what it holds since this exchange began, so that changes make sense to it. */
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
  }

  /** Whether the exchange is under way: changes are passed on. */
  get isUnderWay(): boolean {
    return this.#isTold
  }

  /** Begins, from what each side holds now, unless the peer has begun already. */
  begin(): void {
    if (this.#isTold) return
    this.#isHeard = false
    this.#sendHello()
  }

  /** Sends nothing more of what was begun: it goes on over another link. A message that is half sent is completed. */
  pause(): void {
    this.#round++
    this.#isTold = false
    this.#isHeard = false
    this.#lacking = undefined
    this.#hellosSent -= this.#outbox.filter(({ isHello }) => isHello).length
    this.#outbox = []
    this.#outboxBytes = 0
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
    const { metadata, peer, isPeerWriter, isSelfWriter, onPeerBegan } = this.#init
    const round = this.#round
    this.#isTold = true
    this.#held ??= []
    this.#hellosHeard++
    // Each hello is answered by one, so that a side that begins anew learns what the other holds by now.
    if (this.#hellosHeard > this.#hellosSent) this.#sendHello()
    onPeerBegan()
    const answer = await metadata.receive(hello, peer, isPeerWriter(), this)
    const held = this.#held
    this.#held = undefined
    if (round !== this.#round) return
    // A reader may not pass changes on: a full member would end the link over it.
    if (isSelfWriter()) {
      this.#send(answer)
      if (held.length > 0) this.#enqueue(held)
    }
    this.#isHeard = true
    this.#lacking = hello
  }

  async #receiveUpdate(message: Uint8Array): Promise<void> {
    const { metadata, peer, isPeerWriter, isSelfWriter, clock } = this.#init
    try {
      const round = this.#round
      const answer = await metadata.receive(message, peer, isPeerWriter(), this)
      if (isSelfWriter() && round === this.#round) this.#send(answer)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_UPDATE_GAP')) throw error
      const now = clock.monotonic()
      if (this.#lastGapAt !== undefined && now - this.#lastGapAt < GAP_INTERVAL_MS) throw error
      this.#lastGapAt = now
      this.#sendHello()
    }
  }

  #sendHello(): void {
    this.#hellosSent++
    this.#send([this.#init.metadata.store.hello()], true)
  }

  #send(messages: Iterable<Uint8Array>, isHello = false): void {
    this.#outbox.push({ messages, bytes: 0, round: this.#round, isHello })
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
    this.#outbox.push({ messages, bytes, round: this.#round, isHello: false })
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
        if (item.round !== this.#round) {
          if (item.isHello) this.#hellosSent--
          break
        }
        for (const parts of encodeMetadata(this.#init.spaceNumber, message, item.isHello)) await this.#init.write(parts)
      }
      this.#isSending = false
      this.#init.onChange()
    }
  }
}
