import type { Clock } from '@dittofs/interface'
import type { BlePipe } from './ble-radio.ts'
import { BleStream } from './ble-stream.ts'
import { decodePdu, encodePdu, MAX_OUTSTANDING_PDUS, MAX_STREAM_NUMBER, type Pdu, type StreamPdu } from './pdu.ts'

/** Counts are sent this often at least: a sign of life, and what tells the other side that nothing was lost. */
const COUNT_INTERVAL_MS = 2_000
/**
 * Counts sent without hearing anything, after which the other side is taken for dead: not every stack tells of a
 * connection that is gone. Counts and not time, for a process that was held up has heard nothing either.
 */
const MAX_UNANSWERED_COUNTS = 4
/** Counted PDUs received after which they are acknowledged without waiting. */
const COUNT_LOT = MAX_OUTSTANDING_PDUS / 4
/** Streams side by side; each may hold 64 PDUs that nobody reads. */
export const MAX_STREAMS = 128
/** Streams refused and not told so yet. Whoever goes on opening more does not listen. */
const MAX_REFUSALS = 256

export interface BleSessionInit {
  pipe: BlePipe
  /** The central opens streams, the peripheral takes them. */
  isCentral: boolean
  clock: Clock
  /** Gets each stream that the other side opened; `false` refuses it. Without it all are refused. */
  onStream?: (stream: BleStream) => boolean
  /** Called once when the connection is gone, with why for the log. */
  onEnd: (reason: string) => void
}

/**
 * Streams over one connection.
 *
 * Of the PDUs that belong to streams at most {@link MAX_OUTSTANDING_PDUS} are under way each way: neither library says
 * when a queue is full, and controllers drop silently what does not fit. Counts acknowledge them, show that the other
 * side lives, and show a loss, which ends the session: nothing is sent twice.
 */
export class BleSession {
  readonly #init: BleSessionInit
  readonly #streams = new Map<number, BleStream>()
  /** Streams with something to send, the one that waits longest first. */
  readonly #ready = new Set<BleStream>()
  readonly #refusals: number[] = []
  readonly #stop = new AbortController()
  #lastStream = 0
  #isPumping = false
  /** Counted PDUs, modulo 2^32. */
  #sent = 0
  #acknowledged = 0
  #received = 0
  #receivedTold = 0
  /** Since something was heard. */
  #countsSent = 0

  constructor(init: BleSessionInit) {
    this.#init = init
    init.pipe.receive({
      onPdu: (bytes) => this.#heard(bytes),
      onClose: () => this.#end('The connection was lost.'),
    })
    void this.#beat()
  }

  get hasEnded(): boolean {
    return this.#stop.signal.aborted
  }

  get hasStreams(): boolean {
    return this.#streams.size > 0
  }

  /** No streams, and all that was sent has arrived. */
  get isQuiet(): boolean {
    return this.#streams.size === 0 && this.#outstanding === 0 && this.#refusals.length === 0
  }

  /** @returns a stream that is being opened; `undefined` when there may be no more of them */
  open(): BleStream | undefined {
    if (this.hasEnded || this.#streams.size >= MAX_STREAMS || this.#lastStream >= MAX_STREAM_NUMBER) return undefined
    this.#lastStream++
    return this.#add(this.#lastStream, true)
  }

  /** Ends the connection and cuts all streams. Idempotent. */
  close(): void {
    this.#end('The connection was closed.')
  }

  get #outstanding(): number {
    return (this.#sent - this.#acknowledged) >>> 0
  }

  #add(number: number, isInitiator: boolean): BleStream {
    const stream = new BleStream({
      ...{ number, isInitiator },
      onReady: (ready) => {
        this.#ready.add(ready)
        this.#pump()
      },
    })
    this.#streams.set(number, stream)
    this.#ready.add(stream)
    // The caller gets to know the stream before anything happens to it.
    queueMicrotask(() => this.#pump())
    return stream
  }

  #pump(): void {
    // Taking a PDU tells a writer that there is room, which may bring the next one while this one is not sent yet.
    if (this.#isPumping) return
    this.#isPumping = true
    while (!this.hasEnded && this.#outstanding < MAX_OUTSTANDING_PDUS) {
      const pdu = this.#next()
      if (pdu === undefined) break
      this.#sent = (this.#sent + 1) >>> 0
      this.#init.pipe.send(encodePdu(pdu))
    }
    this.#isPumping = false
  }

  #next(): StreamPdu | undefined {
    const refused = this.#refusals.shift()
    if (refused !== undefined) return { type: 'reset', stream: refused }
    for (const stream of this.#ready) {
      this.#ready.delete(stream)
      const pdu = stream.nextPdu(this.#init.pipe.maxPduBytes)
      if (stream.isReady) this.#ready.add(stream)
      this.#forgetIfOver(stream)
      if (pdu !== undefined) return pdu
    }
    return undefined
  }

  #forgetIfOver(stream: BleStream): void {
    if (!stream.isOver) return
    this.#streams.delete(stream.number)
    this.#ready.delete(stream)
  }

  #heard(bytes: Buffer): void {
    if (this.hasEnded) return
    this.#countsSent = 0
    const pdu = decodePdu(bytes)
    const problem = pdu === undefined ? 'it is malformed' : this.#take(pdu)
    if (problem === undefined) return
    this.#end(`The other side sent a PDU that may not be: ${problem}.`)
  }

  /** @returns what is wrong with it */
  #take(pdu: Pdu): string | undefined {
    if (pdu.type === 'count') return this.#takeCount(pdu.sent, pdu.received)
    this.#received = (this.#received + 1) >>> 0
    const problem = pdu.type === 'open' ? this.#takeOpen(pdu.stream) : this.#takeForStream(pdu)
    if ((this.#received - this.#receivedTold) >>> 0 >= COUNT_LOT) this.#sendCount()
    return problem
  }

  #takeCount(sent: number, received: number): string | undefined {
    if (sent !== this.#received) return 'some that it sent before were lost'
    if ((this.#sent - received) >>> 0 > this.#outstanding) return 'it counts what was never sent'
    this.#acknowledged = received
    this.#pump()
    return undefined
  }

  #takeOpen(number: number): string | undefined {
    if (this.#init.isCentral || number <= this.#lastStream) return 'it opens a stream that it may not open'
    this.#lastStream = number
    const { onStream } = this.#init
    if (onStream !== undefined && this.#streams.size < MAX_STREAMS) {
      const stream = this.#add(number, false)
      if (onStream(stream)) return undefined
      this.#streams.delete(number)
      this.#ready.delete(stream)
      stream.fail(new Error('it was refused'))
    }
    this.#refusals.push(number)
    this.#pump()
    return this.#refusals.length > MAX_REFUSALS ? 'it opens streams without end' : undefined
  }

  #takeForStream(pdu: StreamPdu): string | undefined {
    const stream = this.#streams.get(pdu.stream)
    if (stream === undefined) return pdu.stream <= this.#lastStream ? undefined : 'it is for a stream that never was'
    const isAllowed = stream.heard(pdu)
    this.#forgetIfOver(stream)
    return isAllowed ? undefined : `its type, ${pdu.type}, may not come now`
  }

  #sendCount(): void {
    this.#receivedTold = this.#received
    this.#init.pipe.send(encodePdu({ type: 'count', sent: this.#sent, received: this.#received }))
  }

  async #beat(): Promise<void> {
    const { clock } = this.#init
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await clock.sleep(COUNT_INTERVAL_MS, { signal })
      } catch {
        return
      }
      if (this.#countsSent >= MAX_UNANSWERED_COUNTS) this.#end('The other side has fallen silent.')
      else this.#sendCount()
      this.#countsSent++
    }
  }

  #end(reason: string): void {
    if (this.hasEnded) return
    this.#stop.abort()
    this.#init.pipe.close()
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    this.#ready.clear()
    for (const stream of streams) stream.fail(new Error(reason))
    this.#init.onEnd(reason)
  }
}
