import { laneError, MAX_COUNT } from './lane-message.ts'

/** What may be on its way or waiting to be read at one time: the bound of a connection's memory on this side. */
export interface Window {
  readonly bytes: number
  readonly messages: number
}

/** Totals since the start up to which the other side may send. */
export interface Credit {
  readonly bytes: number
  readonly messages: number
}

interface Waiting {
  readonly number: number
  readonly payload: Buffer
}

/**
 * Puts the messages that come in over several lanes back into their order, within the credit that was given.
 *
 * Each lane keeps order by itself, so the next message is the first one of some lane: a queue for each lane is enough.
 */
export class InboundOrder {
  readonly #window: Window
  readonly #lanes = new Map<number, Waiting[]>()
  readonly #lastOfLane = new Map<number, number>()
  #next = 0
  #highest = -1
  #count: number | undefined
  #receivedBytes = 0
  #receivedMessages = 0
  #takenBytes = 0
  #granted: Credit = { bytes: 0, messages: 0 }

  constructor(window: Window) {
    this.#window = window
  }

  /**
   * Takes in a message.
   *
   * @throws DittoError DITTO_PROTOCOL when it is out of the lane's order, after the end, or more than was allowed
   */
  receive(lane: number, number: number, payload: Buffer): void {
    if (number <= (this.#lastOfLane.get(lane) ?? -1) || number < this.#next) {
      throw laneError('A message came twice or out of order.')
    }
    if (this.#count !== undefined && number >= this.#count) throw laneError('A message came after the end.')
    this.#receivedBytes += payload.length
    this.#receivedMessages++
    if (this.#receivedBytes > this.#granted.bytes || number >= this.#granted.messages) {
      throw laneError('The other device sent more than it was allowed to.')
    }
    this.#lastOfLane.set(lane, number)
    this.#highest = Math.max(this.#highest, number)
    const waiting = this.#lanes.get(lane)
    if (waiting === undefined) this.#lanes.set(lane, [{ number, payload }])
    else waiting.push({ number, payload })
  }

  /**
   * No message has this number or one above it.
   *
   * @throws DittoError DITTO_PROTOCOL
   */
  end(count: number): void {
    if (this.#count !== undefined || count <= this.#highest) throw laneError('The end came twice or too early.')
    this.#count = count
  }

  /**
   * The next message in order, if it is here.
   *
   * @throws DittoError DITTO_PROTOCOL when two lanes brought the same one
   */
  take(): Buffer | undefined {
    for (const waiting of this.#lanes.values()) {
      const first = waiting[0]
      if (first === undefined || first.number > this.#next) continue
      if (first.number < this.#next) throw laneError('A message came twice.')
      waiting.shift()
      this.#next++
      this.#takenBytes += first.payload.length
      return first.payload
    }
    return undefined
  }

  /** Credit to tell the other side of, once that is worth a message: a quarter of the window was taken. */
  renewCredit(): Credit | undefined {
    const bytes = Math.min(this.#takenBytes + this.#window.bytes, MAX_COUNT)
    const messages = Math.min(this.#next + this.#window.messages, MAX_COUNT)
    const isWorthIt =
      bytes - this.#granted.bytes >= this.#window.bytes / 4 ||
      messages - this.#granted.messages >= this.#window.messages / 4
    if (!isWorthIt || this.#count !== undefined) return undefined
    this.#granted = { bytes, messages }
    return this.#granted
  }

  /** Everything up to the end has arrived, though maybe not been taken. */
  get isComplete(): boolean {
    return this.#receivedMessages === this.#count
  }

  /** Everything up to the end has been taken. */
  get isTaken(): boolean {
    return this.#next === this.#count
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }
}
