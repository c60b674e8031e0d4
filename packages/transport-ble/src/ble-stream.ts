import { Duplex } from 'node:stream'
import { DATA_HEADER_BYTES, MAX_OUTSTANDING_PDUS, type StreamPdu } from './pdu.ts'

/** Credits are given back in lots: the sender still has most of its window then, and few PDUs are spent on them. */
const CREDIT_LOT = MAX_OUTSTANDING_PDUS / 4
const BUFFER_BYTES = 16 * 1024

type WriteCallback = (error?: Error | null) => void

export interface BleStreamInit {
  number: number
  isInitiator: boolean
  /** Called when the stream has a PDU to send. */
  onReady: (stream: BleStream) => void
}

/**
 * One stream of a session. It holds at most {@link MAX_OUTSTANDING_PDUS} PDUs that its reader has not taken, and the one
 * write that was handed to it; `nextPdu` gives what is to be sent next.
 */
export class BleStream extends Duplex {
  readonly number: number
  /** Resolves when the other side has accepted it. */
  readonly accepted: Promise<void>
  readonly #onReady: (stream: BleStream) => void
  #accept!: () => void
  #refuse!: (reason: Error) => void
  #isGreetingDue = true
  readonly #isInitiator: boolean
  #writing: { bytes: Buffer; callback: WriteCallback } | undefined
  #ending: WriteCallback | undefined
  #isResetDue = false
  #hasEnded = false
  #hasOtherEnded = false
  #isDead = false
  /** Data PDUs that may be sent. */
  #credits = MAX_OUTSTANDING_PDUS
  /** Data PDUs that the other side may send. */
  #granted = MAX_OUTSTANDING_PDUS
  /** Taken by the reader and not given back yet; received and not yet taken. */
  #creditsDue = 0
  #untaken = 0

  constructor(init: BleStreamInit) {
    super({ highWaterMark: BUFFER_BYTES })
    this.number = init.number
    this.#isInitiator = init.isInitiator
    this.#onReady = init.onReady
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve
      this.#refuse = reject
    })
    this.accepted.catch(() => undefined)
    // As with a socket: whoever has no use for the reason of a loss must not die of it.
    this.on('error', () => undefined)
  }

  /** Neither side has anything more to say: the session forgets it. */
  get isOver(): boolean {
    return this.#isDead || (this.#hasEnded && this.#hasOtherEnded && !this.#isResetDue)
  }

  get isReady(): boolean {
    if (this.#isDead) return false
    if (this.#isGreetingDue || this.#isResetDue) return true
    if (this.#creditsDue >= CREDIT_LOT && !this.#hasOtherEnded) return true
    if (this.#writing !== undefined) return this.#credits > 0
    return this.#ending !== undefined
  }

  /**
   * The next PDU, `undefined` when there is none.
   *
   * @param maxPduBytes - 20 at least
   */
  nextPdu(maxPduBytes: number): StreamPdu | undefined {
    const stream = this.number
    if (!this.isReady) return undefined
    if (this.#isGreetingDue) {
      this.#isGreetingDue = false
      return { type: this.#isInitiator ? 'open' : 'accept', stream }
    }
    if (this.#isResetDue) {
      this.#isDead = true
      return { type: 'reset', stream }
    }
    if (this.#creditsDue >= CREDIT_LOT && !this.#hasOtherEnded) {
      const count = this.#creditsDue
      this.#creditsDue = 0
      this.#granted += count
      return { type: 'credit', stream, count }
    }
    if (this.#writing !== undefined) return this.#takeData(maxPduBytes - DATA_HEADER_BYTES)
    const ended = this.#ending
    this.#ending = undefined
    this.#hasEnded = true
    ended?.()
    return { type: 'end', stream }
  }

  /** @returns whether the other side may send that now */
  heard(pdu: StreamPdu): boolean {
    if (this.#isDead || this.#isResetDue) return true
    switch (pdu.type) {
      case 'open':
        return false
      case 'accept':
        this.#accept()
        return this.#isInitiator
      case 'data':
        return this.#heardData(pdu.bytes)
      case 'end':
        if (this.#hasOtherEnded) return false
        this.#hasOtherEnded = true
        this.push(null)
        return true
      case 'reset':
        this.fail(new Error('the other side cut the connection'))
        return true
      case 'credit':
        this.#credits += pdu.count
        if (this.#credits > MAX_OUTSTANDING_PDUS) return false
        this.#wake()
        return true
    }
  }

  /** Ends it at once; nothing more is sent or heard. */
  fail(reason: Error): void {
    this.#isDead = true
    this.destroy(Object.assign(reason, { code: 'ECONNRESET' }))
  }

  override _read(): void {
    this.#creditsDue += this.#untaken
    this.#untaken = 0
    this.#wake()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    if (bytes.length === 0) {
      callback()
      return
    }
    this.#writing = { bytes, callback }
    this.#wake()
  }

  override _final(callback: WriteCallback): void {
    this.#ending = callback
    this.#wake()
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    const reason = error ?? new Error('the connection was closed')
    this.#refuse(reason)
    this.#writing?.callback(reason)
    this.#writing = undefined
    this.#ending?.(reason)
    this.#ending = undefined
    if (!this.isOver) {
      this.#isResetDue = true
      this.#wake()
    }
    callback(error)
  }

  #takeData(maxBytes: number): StreamPdu | undefined {
    const writing = this.#writing!
    // A copy: the writer may use its buffer again as soon as it is told that all was taken.
    const bytes = Buffer.from(writing.bytes.subarray(0, maxBytes))
    writing.bytes = writing.bytes.subarray(bytes.length)
    this.#credits--
    if (writing.bytes.length === 0) {
      this.#writing = undefined
      writing.callback()
    }
    return { type: 'data', stream: this.number, bytes }
  }

  #heardData(bytes: Uint8Array): boolean {
    if (this.#hasOtherEnded || this.#granted === 0) return false
    this.#granted--
    this.#untaken++
    if (this.push(bytes)) this._read()
    return true
  }

  #wake(): void {
    if (this.isReady) this.#onReady(this)
  }
}
