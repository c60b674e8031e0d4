import { Duplex } from 'node:stream'

export interface DuplexPairInit {
  /** Most bytes delivered at once; each delivery takes a turn of the event loop. All at once when absent. */
  pieceBytes?: number
  /** Sees, and may change or swallow, each piece before it is delivered. `sender` is the index of the end. */
  onPiece?: (piece: Buffer, sender: 0 | 1) => Buffer | undefined
}

/** Two ends of one plain connection in memory. Ending one half-closes, destroying one destroys the other. */
export function duplexPair(init: DuplexPairInit = {}): readonly [Duplex, Duplex] {
  const first = new MemoryDuplex(init, 0)
  const second = new MemoryDuplex(init, 1)
  first.join(second)
  second.join(first)
  return [first, second]
}

class MemoryDuplex extends Duplex {
  readonly #init: DuplexPairInit
  readonly #side: 0 | 1
  #other!: MemoryDuplex
  #onRead: (() => void) | undefined

  constructor(init: DuplexPairInit, side: 0 | 1) {
    super({ allowHalfOpen: true })
    this.#init = init
    this.#side = side
  }

  join(other: MemoryDuplex): void {
    this.#other = other
  }

  override _read(): void {
    const onRead = this.#onRead
    this.#onRead = undefined
    onRead?.()
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { pieceBytes = bytes.length, onPiece } = this.#init
    const deliver = (at: number) => {
      if (at >= bytes.length) return done()
      const piece = Buffer.from(bytes.subarray(at, at + pieceBytes))
      const seen = onPiece === undefined ? piece : onPiece(piece, this.#side)
      this.#other.#deliver(seen, () => setImmediate(deliver, at + pieceBytes))
    }
    setImmediate(deliver, 0)
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (!this.#other.destroyed) this.#other.push(null)
      done()
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    setImmediate(() => this.#other.destroy())
    done(error)
  }

  #deliver(piece: Buffer | undefined, onTaken: () => void): void {
    if (this.destroyed) return
    if (piece === undefined || piece.length === 0 || this.push(piece)) onTaken()
    else this.#onRead = onTaken
  }
}
