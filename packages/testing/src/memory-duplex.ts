import { Duplex } from 'node:stream'

/** Bytes each direction buffers on each side, as a socket would. */
const BUFFER_BYTES = 64 * 1024

type WriteCallback = (error?: Error | null) => void

/** One end of a connection in this process: order, backpressure, half-close and sudden death of a TCP connection. */
export class MemoryDuplex extends Duplex {
  readonly #latencyMs: number
  #other!: MemoryDuplex
  /** The other end's write that waits until this end has room. */
  #waiting: WriteCallback | undefined

  constructor(latencyMs: number) {
    super({ highWaterMark: BUFFER_BYTES })
    this.#latencyMs = latencyMs
    // As with a socket of `tcp`: whoever has no use for the reason of a loss must not die of it.
    this.on('error', () => undefined)
  }

  /** Two ends of one connection. */
  static pair(latencyMs: number): readonly [MemoryDuplex, MemoryDuplex] {
    const ends = [new MemoryDuplex(latencyMs), new MemoryDuplex(latencyMs)] as const
    ends[0].#other = ends[1]
    ends[1].#other = ends[0]
    return ends
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: WriteCallback): void {
    // A copy, as a network makes one: a writer that reuses its buffer too early is caught by the reader's checks.
    const copy = Buffer.from(bytes)
    this.#later(() => this.#other.#receive(copy, callback))
  }

  override _final(callback: WriteCallback): void {
    this.#later(() => {
      if (!this.#other.destroyed) this.#other.push(null)
      callback()
    })
  }

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    const isCleanEnd = this.writableFinished && this.readableEnded
    this.#waiting?.(connectionReset())
    this.#waiting = undefined
    if (!isCleanEnd) this.#later(() => this.#other.destroy(connectionReset()))
    callback(error)
  }

  #receive(bytes: Buffer, callback: WriteCallback): void {
    if (this.destroyed) callback(connectionReset())
    else if (bytes.length === 0 || this.push(bytes)) callback()
    else this.#waiting = callback
  }

  #later(action: () => void): void {
    if (this.#latencyMs > 0) setTimeout(action, this.#latencyMs)
    else process.nextTick(action)
  }
}

function connectionReset(): Error {
  return Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' })
}
