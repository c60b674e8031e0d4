import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import type { Clock } from '@dittofs/interface'
import { BYTES_PER_TURN, MAX_CALLS_PER_CONNECTION, MAX_CONNECTION_BYTES, MAX_DUPLICATES } from '../limits.ts'
import type { ByteBudget } from './byte-budget.ts'
import { RecordReader } from './record-reader.ts'
import type { PreparedCall, RpcDispatcher } from './rpc-dispatcher.ts'
import type { RpcPeer } from './rpc-program.ts'

export interface RpcConnectionInit {
  socket: Socket
  /** Of the other side. */
  address: string
  dispatcher: RpcDispatcher
  budget: ByteBudget
  clock: Pick<Clock, 'monotonic'>
  /** The connection is gone; `reason` where we ended it. */
  onClose: (reason: string | undefined) => void
}

/**
 * One TCP connection. Calls are begun in the order in which they came and run side by side; answers leave as they are
 * ready. A call counts until its answer has left for the kernel, so a client that does not read is not read from either.
 */
export class RpcConnection {
  readonly #socket: Socket
  readonly #peer: RpcPeer
  readonly #gone = new AbortController()
  readonly #dispatcher: RpcDispatcher
  readonly #budget: ByteBudget
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #records = new RecordReader()
  /** Answers to these were made for this connection and have left. */
  readonly #answered = new Set<string>()
  #next: PreparedCall | undefined
  #calls = 0
  #unsentAnswers = 0
  /** Bytes of all its calls, and of those whose answers are on their way out. */
  #heldBytes = 0
  #sendingBytes = 0
  #turnBytes = 0
  #isTurnOver = false
  #isCorked = false
  #isClosed = false
  #isFinishing = false
  #hasCalled = false
  #reason: string | undefined
  #progressAtMs: number
  /** When the record that is on its way began to be waited for. */
  #recordSinceMs: number | undefined
  readonly #wake = (): void => this.#pump()

  constructor({ socket, address, dispatcher, budget, clock, onClose }: RpcConnectionInit) {
    this.#socket = socket
    // Every call of the connection may listen to it.
    setMaxListeners(0, this.#gone.signal)
    this.#peer = { address, signal: this.#gone.signal }
    this.#dispatcher = dispatcher
    this.#budget = budget
    this.#clock = clock
    this.#progressAtMs = clock.monotonic()
    socket.on('data', (data: Buffer) => {
      this.#progressAtMs = this.#clock.monotonic()
      this.#records.push(data)
      this.#pump()
    })
    socket.on('error', () => undefined)
    socket.once('end', () => this.#forgetAnswers())
    socket.once('close', () => {
      this.#isClosed = true
      this.#gone.abort()
      this.#budget.stopWaiting(this.#wake)
      this.#budget.give(this.#sendingBytes)
      this.#sendingBytes = 0
      onClose(this.#reason)
    })
  }

  /** Calls that run, or whose answers have not left. */
  get calls(): number {
    return this.#calls
  }

  /** Ends the connection at once. */
  abort(reason: string): void {
    this.#reason ??= reason
    this.#isClosed = true
    this.#socket.destroy()
  }

  /** Takes no further calls. What runs is still answered; then the connection ends. */
  finish(): void {
    this.#isFinishing = true
    this.#socket.pause()
    if (this.#calls === 0) this.#socket.destroySoon()
  }

  /** Ends the connection if the client has kept us waiting for too long. */
  checkTime(stallTimeoutMs: number, idleTimeoutMs: number): void {
    const nowMs = this.#clock.monotonic()
    if (this.#unsentAnswers > 0) {
      if (nowMs - this.#progressAtMs > stallTimeoutMs) this.abort('answers were not read')
    } else if (this.#calls > 0) {
      // It waits for us.
    } else if (this.#recordSinceMs !== undefined) {
      if (nowMs - this.#recordSinceMs > stallTimeoutMs) this.abort('a record did not come to its end')
    } else if (nowMs - this.#progressAtMs > (this.#hasCalled ? idleTimeoutMs : stallTimeoutMs)) {
      this.abort('nothing was asked')
    }
  }

  /** Begins what has come, as far as the bounds go, and stops reading where they do. */
  #pump(): void {
    if (this.#isTurnOver || this.#isFinishing || this.#isClosed || this.#socket.destroyed) return
    for (;;) {
      const next = this.#next ?? this.#prepareNext()
      if (next === undefined) break
      this.#next = next
      if (!this.#admit(next)) {
        this.#socket.pause()
        return
      }
      this.#next = undefined
      this.#start(next)
      this.#turnBytes += next.bytes
      if (this.#turnBytes > BYTES_PER_TURN) {
        this.#endTurn()
        return
      }
    }
    if (this.#isClosed) return
    this.#recordSinceMs = this.#records.isPartial ? (this.#recordSinceMs ?? this.#clock.monotonic()) : undefined
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** Lets others have their turn before more of this client's calls are begun. */
  #endTurn(): void {
    this.#isTurnOver = true
    setImmediate(() => {
      this.#turnBytes = 0
      this.#isTurnOver = false
      this.#pump()
    })
  }

  #prepareNext(): PreparedCall | undefined {
    let record: Buffer | undefined
    try {
      record = this.#records.next()
    } catch (error) {
      this.abort(error instanceof Error ? error.message : 'the stream is damaged')
      return undefined
    }
    if (record === undefined) return undefined
    this.#recordSinceMs = undefined
    const call = this.#dispatcher.prepare(record, this.#peer)
    if (call === undefined) this.abort('a record was no RPC call')
    return call
  }

  #admit({ bytes }: PreparedCall): boolean {
    if (this.#calls === 0) {
      this.#budget.take(bytes)
      return true
    }
    if (this.#calls >= MAX_CALLS_PER_CONNECTION || this.#heldBytes + bytes > MAX_CONNECTION_BYTES) return false
    if (this.#budget.tryTake(bytes)) return true
    this.#budget.wait(this.#wake)
    return false
  }

  #start(call: PreparedCall): void {
    this.#hasCalled = true
    this.#calls += 1
    this.#heldBytes += call.bytes
    void call.run().then((parts) => this.#send(parts, call))
  }

  #send(parts: readonly Buffer[], { bytes, duplicateKey }: PreparedCall): void {
    if (this.#isClosed) {
      this.#budget.give(bytes)
      return
    }
    this.#sendingBytes += bytes
    this.#cork()
    // The time that the client takes to read counts from the first answer that waits.
    if (this.#unsentAnswers === 0) this.#progressAtMs = this.#clock.monotonic()
    this.#unsentAnswers += 1
    for (const part of parts.slice(0, -1)) this.#socket.write(part)
    this.#socket.write(parts[parts.length - 1]!, (error) => {
      if (this.#isClosed) return
      if (duplicateKey !== undefined && !error) this.#remember(duplicateKey)
      this.#progressAtMs = this.#clock.monotonic()
      this.#unsentAnswers -= 1
      this.#calls -= 1
      this.#heldBytes -= bytes
      this.#sendingBytes -= bytes
      this.#budget.give(bytes)
      if (this.#isFinishing && this.#calls === 0) this.#socket.destroySoon()
      this.#pump()
    })
  }

  #remember(duplicateKey: string): void {
    this.#answered.add(duplicateKey)
    if (this.#answered.size <= MAX_DUPLICATES) return
    for (const oldest of this.#answered) {
      this.#answered.delete(oldest)
      return
    }
  }

  /** Gathers the answers that become ready in one turn of the event loop into one system call. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isCorked = false
      this.#socket.uncork()
    })
  }

  /** A client that ends in order has got its answers, and will not ask for them again. */
  #forgetAnswers(): void {
    if (this.#unsentAnswers === 0) this.#dispatcher.duplicates.forget(this.#answered)
  }
}
