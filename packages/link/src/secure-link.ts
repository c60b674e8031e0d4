import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import {
  type AbortOptions,
  type Clock,
  type DeviceKey,
  DittoError,
  type KnockMatch,
  type Link,
} from '@dittofs/interface'
import { encodeFrameHeader, FRAME_HEADER_BYTES } from '@dittofs/wire'
import { FrameReceiver } from './frame-receiver.ts'
import type { LinkLimits } from './link-limits.ts'

/** Frames up to this size are joined and written as one buffer: cheaper than a vectored write. */
const MAX_JOINED_BYTES = 16 * 1024

export interface SecureLinkInit {
  socket: TLSSocket
  /** The stream below the socket. */
  duplex: Duplex
  peer: DeviceKey
  transport: string
  remote: string
  isInitiator: boolean
  match: KnockMatch
  limits: LinkLimits
  clock: Clock
}

interface Waiter {
  resolve: () => void
  reject: (reason: unknown) => void
}

/** Frames over a TLS socket whose peer has been checked. Owns socket and stream. */
export class SecureLink implements Link {
  readonly peer: DeviceKey
  readonly transport: string
  readonly remote: string
  readonly isInitiator: boolean
  readonly match: KnockMatch
  readonly closed: Promise<Error | undefined>

  readonly #socket: TLSSocket
  readonly #duplex: Duplex
  readonly #limits: LinkLimits
  readonly #clock: Clock
  readonly #receiver: FrameReceiver
  readonly #drainWaiters = new Set<Waiter>()
  #state: 'open' | 'closing' | 'closed' = 'open'
  #failure: Error | undefined
  #bytesSent = 0
  /** Handed to TLS and not yet taken by the network. */
  #unsentBytes = 0
  #resolveClosed!: (reason: Error | undefined) => void

  constructor(init: SecureLinkInit) {
    this.peer = init.peer
    this.transport = init.transport
    this.remote = init.remote
    this.isInitiator = init.isInitiator
    this.match = init.match
    this.#socket = init.socket
    this.#duplex = init.duplex
    this.#limits = init.limits
    this.#clock = init.clock
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#receiver = new FrameReceiver({
      limits: init.limits,
      pause: () => init.socket.pause(),
      resume: () => init.socket.resume(),
    })
    this.#listen()
  }

  get bytesSent(): number {
    return this.#bytesSent
  }

  get bytesReceived(): number {
    return this.#receiver.bytesRead
  }

  send(...parts: readonly Uint8Array[]): boolean {
    this.#assertOpen()
    const payloadBytes = parts.reduce((sum, part) => sum + part.length, 0)
    const header = encodeFrameHeader(payloadBytes)
    const frameBytes = FRAME_HEADER_BYTES + payloadBytes
    this.#bytesSent += payloadBytes
    this.#unsentBytes += frameBytes
    this.#write(header, parts, frameBytes)
    if (this.#unsentBytes > this.#limits.maxSendBufferBytes) {
      this.abort(new DittoError('DITTO_LIMIT', 'More was sent on a link than the other device takes.'))
      return false
    }
    return this.#unsentBytes < this.#limits.sendBufferBytes
  }

  async drain(options: AbortOptions = {}): Promise<void> {
    const { signal } = options
    signal?.throwIfAborted()
    this.#assertOpen()
    if (this.#unsentBytes < this.#limits.sendBufferBytes) return
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void) => {
        this.#drainWaiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
        finish()
      }
      const waiter: Waiter = { resolve: () => settle(resolve), reject: (reason) => settle(() => reject(reason)) }
      const onAbort = () => waiter.reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#drainWaiters.add(waiter)
    })
  }

  frames(): AsyncIterable<Uint8Array> {
    return this.#receiver.frames()
  }

  exportKeyingMaterial(length: number, label: string): Uint8Array {
    this.#assertOpen()
    return this.#socket.exportKeyingMaterial(length, label, Buffer.alloc(0))
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#rejectDrains(new DittoError('DITTO_CLOSED', 'The link was closed.'))
      // What still arrives is read and dropped: a connection closed with unread bytes is reset, and a reset may
      // overtake what we sent last.
      this.#receiver.finish(undefined)
      this.#socket.end()
      const timer = new AbortController()
      void this.closed.then(() => timer.abort())
      this.#clock.sleep(this.#limits.closeTimeoutMs, { signal: timer.signal }).then(
        () => this.#end(undefined),
        () => undefined,
      )
    }
    await this.closed
  }

  abort(reason: Error): void {
    if (this.#state === 'closed') return
    this.#receiver.drop()
    this.#end(reason)
  }

  #listen(): void {
    let cause: unknown
    const cut = (sentence: string) => this.#end(new DittoError('DITTO_LINK_CUT', sentence, { cause }))
    const note = (error: unknown) => {
      cause ??= error
    }
    const onTlsError = (error: unknown) => {
      note(error)
      // Not from within the event: TLS is in the middle of a record then.
      setImmediate(cut, 'The link was cut.')
    }
    this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    this.#socket.on('error', onTlsError)
    // A forged or damaged record destroys no TLS socket after the handshake, and where there is no tls.Server the
    // answering side does not even see an `error`, but this event alone.
    this.#socket.on('_tlsError', onTlsError)
    // Its `close` follows. Destroying the TLS socket before that, on `error`, crashes Node 20 over a net.Socket.
    this.#duplex.on('error', note)
    // Ended but not closed, in either direction, is of no use: half-open connections would stay for good.
    this.#socket.on('end', () => cut('The other device ended the link.'))
    this.#socket.on('close', () => cut('The link was cut.'))
    this.#duplex.on('close', () => cut('The link was cut.'))
    if (this.#socket.destroyed || this.#duplex.destroyed) cut('The link was cut.')
  }

  #receive(bytes: Buffer): void {
    if (this.#state !== 'open') return
    try {
      this.#receiver.push(bytes)
    } catch (error) {
      this.abort(error as Error)
    }
  }

  #write(header: Uint8Array, parts: readonly Uint8Array[], frameBytes: number): void {
    const onTaken = () => {
      // Node reports the writes of a destroyed socket as done. The end of the link tells those who wait.
      if (this.#socket.destroyed) return
      this.#unsentBytes -= frameBytes
      if (this.#unsentBytes < this.#limits.sendBufferBytes)
        for (const waiter of [...this.#drainWaiters]) waiter.resolve()
    }
    if (frameBytes <= MAX_JOINED_BYTES) {
      this.#socket.write(Buffer.concat([header, ...parts], frameBytes), onTaken)
      return
    }
    // An empty write to a TLS socket over a plain Duplex ends the process with an internal assertion of Node.
    const buffers = [header, ...parts].filter((part) => part.length > 0)
    this.#socket.cork()
    for (const [index, buffer] of buffers.entries()) {
      if (index === buffers.length - 1) this.#socket.write(buffer, onTaken)
      else this.#socket.write(buffer)
    }
    this.#socket.uncork()
  }

  /** The one place where a link ends. A close that was asked for has no reason, whatever the network did at last. */
  #end(reason: Error | undefined): void {
    if (this.#state === 'closed') return
    const failure = this.#state === 'closing' ? undefined : reason
    this.#state = 'closed'
    this.#failure = failure
    this.#receiver.finish(failure)
    this.#rejectDrains(failure ?? new DittoError('DITTO_CLOSED', 'The link was closed.'))
    this.#socket.destroy()
    this.#duplex.destroy()
    this.#resolveClosed(failure)
  }

  #rejectDrains(reason: Error): void {
    for (const waiter of [...this.#drainWaiters]) waiter.reject(reason)
  }

  #assertOpen(): void {
    if (this.#state === 'open') return
    throw this.#failure ?? new DittoError('DITTO_CLOSED', 'The link was closed.')
  }
}
