import { Duplex } from 'node:stream'
import { InboundOrder, type Window } from './inbound-order.ts'
import type { Lane } from './lane.ts'
import {
  allocateData,
  DATA_HEADER_BYTES,
  decodeLaneMessage,
  encodeCredit,
  encodeEnd,
  laneError,
  MAX_COUNT,
  MAX_LANE_MESSAGE_BYTES,
} from './lane-message.ts'

/** Bytes each direction buffers on each side above the lanes, as a socket would. */
const BUFFER_BYTES = 64 * 1024
/** A lane with as much in its queue gets no more. Enough for a burst; more only makes credits wait behind data. */
export const MAX_LANE_QUEUE_BYTES = 256 * 1024
/** 4 MiB are 40 MB/s at 100 ms of round trip; 2,048 messages bound the overhead of small ones. */
export const DEFAULT_WINDOW: Window = { bytes: 4 * 1024 * 1024, messages: 2_048 }

type Callback = (error?: Error | null) => void

export interface StripedDuplexInit {
  window?: Window
  /** Told after each message how much went either way since the start. */
  onTraffic?: (bytes: number) => void
}

/**
 * One ordered byte stream over one or more lanes. Which lane a message takes is the sender's choice; its number says
 * where it belongs. Credits hold the sender back while nobody reads at the other side.
 */
export class StripedDuplex extends Duplex {
  readonly #lanes: Lane[] = []
  readonly #inbound: InboundOrder
  readonly #onTraffic: (bytes: number) => void
  #isWanted = false
  #hasPushedEnd = false
  /** Bytes of the current write that are still to be sent, and who waits for that. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  #written: Callback | undefined
  #sentBytes = 0
  #sentMessages = 0
  #creditBytes = 0
  #creditMessages = 0
  #isCut = false

  constructor(init: StripedDuplexInit = {}) {
    super({ highWaterMark: BUFFER_BYTES })
    this.#inbound = new InboundOrder(init.window ?? DEFAULT_WINDOW)
    this.#onTraffic = init.onTraffic ?? (() => undefined)
    // As with a socket of `tcp`: whoever has no use for the reason of a loss must not die of it.
    this.on('error', () => undefined)
  }

  /** Takes over a lane whose hellos were exchanged. The loss of one lane is the loss of the connection. */
  addLane(lane: Lane): void {
    if (this.destroyed) {
      void lane.close(false)
      return
    }
    const index = this.#lanes.push(lane) - 1
    lane.listener = {
      onMessage: (message) => this.#receive(index, message),
      onRoom: () => this.#pump(),
      onClose: () => this.#laneClosed(),
    }
    if (index === 0) this.#renewCredit()
    this.#pump()
  }

  get laneCount(): number {
    return this.#lanes.length
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#enqueue([bytes], callback)
  }

  override _writev(writes: { chunk: Buffer }[], callback: Callback): void {
    this.#enqueue(
      writes.map(({ chunk }) => chunk),
      callback,
    )
  }

  override _final(callback: Callback): void {
    if (this.#isCut) return
    this.#emptiestLane().send(encodeEnd(this.#sentMessages))
    callback()
  }

  override _read(): void {
    this.#isWanted = true
    this.#deliver()
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const written = this.#written
    this.#written = undefined
    this.#pending = []
    // What was ended without an error still arrives, even where nobody waits for the other side's end.
    const isGraceful = error === null && this.writableFinished
    for (const lane of this.#lanes) {
      lane.listener = undefined
      void lane.close(isGraceful)
    }
    callback(error)
    written?.(error ?? connectionReset())
  }

  #enqueue(chunks: readonly Buffer[], callback: Callback): void {
    this.#pending = chunks.filter((chunk) => chunk.length > 0)
    this.#pendingBytes = this.#pending.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#written = callback
    this.#pump()
  }

  /** Sends as much of the current write as credit and lanes take. */
  #pump(): void {
    if (this.#isCut) return
    while (this.#pendingBytes > 0) {
      const lane = this.#emptiestLane()
      const size = Math.min(
        this.#pendingBytes,
        this.#creditBytes - this.#sentBytes,
        Math.min(lane.maxMessageBytes, MAX_LANE_MESSAGE_BYTES) - DATA_HEADER_BYTES,
      )
      if (size <= 0 || this.#sentMessages >= this.#creditMessages || lane.queuedBytes >= MAX_LANE_QUEUE_BYTES) return
      lane.send(this.#cut(size))
      this.#traffic()
      if (this.destroyed) return
    }
    const written = this.#written
    this.#written = undefined
    written?.()
  }

  /** The next `size` bytes of the current write as a message. */
  #cut(size: number): Buffer {
    const message = allocateData(this.#sentMessages++, size)
    for (let at = DATA_HEADER_BYTES; at < message.length; ) {
      const chunk = this.#pending[0]!
      const copied = chunk.copy(message, at)
      at += copied
      if (copied === chunk.length) this.#pending.shift()
      else this.#pending[0] = chunk.subarray(copied)
    }
    this.#sentBytes += size
    this.#pendingBytes -= size
    if (this.#sentBytes > MAX_COUNT) this.destroy(laneError('A connection may carry 256 TiB; open another one.'))
    return message
  }

  #emptiestLane(): Lane {
    return this.#lanes.reduce((best, lane) => (lane.queuedBytes < best.queuedBytes ? lane : best))
  }

  #receive(lane: number, bytes: Buffer): void {
    try {
      const message = decodeLaneMessage(bytes)
      switch (message.type) {
        case 'data':
          this.#inbound.receive(lane, message.number, message.payload)
          this.#traffic()
          this.#deliver()
          return
        case 'credit':
          // Credits that went over different lanes may overtake each other.
          this.#creditBytes = Math.max(this.#creditBytes, message.bytes)
          this.#creditMessages = Math.max(this.#creditMessages, message.messages)
          this.#pump()
          return
        case 'end':
          this.#inbound.end(message.count)
          this.#deliver()
          return
        default:
          throw laneError('A second hello came over a lane.')
      }
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  /** Hands on what is next in order while the reader takes it. */
  #deliver(): void {
    while (this.#isWanted && !this.destroyed) {
      const payload = this.#inbound.take()
      if (payload === undefined) break
      this.#isWanted = this.push(payload)
    }
    if (this.destroyed || this.#hasPushedEnd) return
    if (this.#inbound.isTaken) {
      this.#hasPushedEnd = true
      this.push(null)
    } else this.#renewCredit()
  }

  #renewCredit(): void {
    if (this.#isCut) return
    const credit = this.#inbound.renewCredit()
    if (credit !== undefined) this.#emptiestLane().send(encodeCredit(credit.bytes, credit.messages))
  }

  #traffic(): void {
    this.#onTraffic(this.#inbound.receivedBytes + this.#sentBytes)
  }

  #laneClosed(): void {
    if (this.#isCut) return
    this.#isCut = true
    if (!this.#inbound.isComplete || this.readableEnded) {
      this.destroy(connectionReset())
      return
    }
    // The other side is done and gone. What it said before is here and is read first; then writing fails.
    this.once('end', () => {
      if (!this.writableFinished) this.destroy(connectionReset())
    })
  }
}

function connectionReset(): Error {
  return Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' })
}
