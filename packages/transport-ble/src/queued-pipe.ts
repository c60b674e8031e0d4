import type { BlePipe, BlePipeEvents } from './ble-radio.ts'

/** More than comes before a session has begun to listen. */
const MAX_WAITING = 256

export interface QueuedPipeInit {
  maxPduBytes: number
  /** Hands a PDU to the system. What it throws is taken for the end of the connection. */
  send: (bytes: Buffer) => void
  /** Ends the connection. */
  disconnect: () => void
}

/** A pipe that keeps what comes until somebody receives it. */
export class QueuedPipe implements BlePipe {
  readonly maxPduBytes: number
  readonly #init: QueuedPipeInit
  readonly #waiting: Buffer[] = []
  #events: BlePipeEvents | undefined
  #isClosed = false

  constructor(init: QueuedPipeInit) {
    this.#init = init
    this.maxPduBytes = init.maxPduBytes
  }

  send(bytes: Buffer): void {
    if (this.#isClosed) return
    try {
      this.#init.send(bytes)
    } catch {
      // The packages throw where the connection has gone since.
      this.closed()
    }
  }

  receive(events: BlePipeEvents): void {
    this.#events = events
    for (const bytes of this.#waiting.splice(0)) events.onPdu(bytes)
    if (this.#isClosed) events.onClose()
  }

  close(): void {
    if (this.#isClosed) return
    this.closed()
    try {
      this.#init.disconnect()
    } catch {
      // It is gone already.
    }
  }

  /** Something came in. */
  arrived(bytes: Buffer): void {
    if (this.#isClosed) return
    if (this.#events !== undefined) this.#events.onPdu(bytes)
    else if (this.#waiting.push(bytes) > MAX_WAITING) this.close()
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events?.onClose()
  }
}
