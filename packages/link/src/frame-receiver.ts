import { DittoError } from '@dittofs/interface'
import { FRAME_HEADER_BYTES, FrameDecoder } from '@dittofs/wire'
import type { LinkLimits } from './link-limits.ts'

export interface FrameReceiverInit {
  limits: LinkLimits
  /** Holds the peer back, and lets it go on. */
  pause: () => void
  resume: () => void
}

/** Frames that arrived and have not been read; bounded by holding the peer back. */
export class FrameReceiver {
  bytesRead = 0
  readonly #init: FrameReceiverInit
  readonly #decoder: FrameDecoder
  #firstHeader: Buffer | undefined = Buffer.alloc(0)
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #isPaused = false
  #isTaken = false
  #isFinished = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(init: FrameReceiverInit) {
    this.#init = init
    this.#decoder = new FrameDecoder(init.limits.maxFrameBytes)
  }

  /** @throws DittoError DITTO_LIMIT, DITTO_PROTOCOL */
  push(bytes: Buffer): void {
    if (this.#firstHeader !== undefined) this.#checkFirstFrame(bytes)
    for (const payload of this.#decoder.push(bytes)) {
      this.#queue.push(payload)
      this.#queuedBytes += payload.length
    }
    if (this.#queue.length > 0) this.#wake?.()
    if (this.#queuedBytes >= this.#init.limits.receiveBufferBytes && !this.#isPaused) {
      this.#isPaused = true
      this.#init.pause()
    }
  }

  /** Nothing more will come: readers get what is queued, then the end or `failure`. The first call counts. */
  finish(failure: Error | undefined): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#failure = failure
    this.#letGo()
    this.#wake?.()
  }

  /** Forgets what is queued. */
  drop(): void {
    this.#queue = []
    this.#queuedBytes = 0
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    if (this.#isTaken) throw new TypeError('the frames of a link are read once')
    this.#isTaken = true
    for (;;) {
      const payload = this.#queue.shift()
      if (payload !== undefined) {
        this.#queuedBytes -= payload.length
        this.bytesRead += payload.length
        if (this.#queuedBytes < this.#init.limits.receiveBufferBytes) this.#letGo()
        yield payload
      } else if (this.#isFinished) {
        if (this.#failure !== undefined) throw this.#failure
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #letGo(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#init.resume()
  }

  #checkFirstFrame(bytes: Buffer): void {
    const header = Buffer.concat([this.#firstHeader as Buffer, bytes.subarray(0, FRAME_HEADER_BYTES)])
    this.#firstHeader = header.length < FRAME_HEADER_BYTES ? header : undefined
    if (this.#firstHeader !== undefined) return
    const length = header.readUInt32BE(0)
    if (length > this.#init.limits.maxFirstFrameBytes) {
      throw new DittoError(
        'DITTO_LIMIT',
        `The peer began with a frame of ${length} bytes; at most ${this.#init.limits.maxFirstFrameBytes} are allowed before it is known better.`,
      )
    }
  }
}
