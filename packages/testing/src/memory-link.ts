import { createHash } from 'node:crypto'
import { type AbortOptions, type DeviceKey, DittoError, type KnockMatch, type Link } from '@dittofs/interface'
import { encodeFrameHeader } from '@dittofs/wire'

/** Bytes one side may have sent and the other not yet read before `send` answers `false`. */
const DEFAULT_BUFFER_BYTES = 1024 * 1024

export interface MemoryLinkInit {
  /** Device keys of the two ends: the first one's `peer` is the second, and the reverse. */
  keys: readonly [DeviceKey, DeviceKey]
  match?: KnockMatch
  /** Name of the transport. Default `memory`. */
  transport?: string
  bufferBytes?: number
  /**
   * Called for each frame before it is delivered. Returning bytes replaces the payload; returning `'cut'` loses it and
   * cuts the link, as a cable pulled in the middle of the frame would; `'lose'` loses it and tells nobody, as a network
   * that has silently gone away does.
   */
  onFrame?: (payload: Uint8Array, sender: DeviceKey) => Uint8Array | 'cut' | 'lose' | undefined
}

/** Two ends of one authenticated link in this process, with the backpressure of a real one. */
export function memoryLinkPair(init: MemoryLinkInit): readonly [MemoryLink, MemoryLink] {
  const [first, second] = init.keys
  const initiator = new MemoryLink(init, second, first, true)
  const responder = new MemoryLink(init, first, second, false)
  initiator.connect(responder)
  responder.connect(initiator)
  return [initiator, responder]
}

export class MemoryLink implements Link {
  readonly transport: string
  readonly remote: string
  readonly peer: DeviceKey
  readonly isInitiator: boolean
  readonly match: KnockMatch
  readonly closed: Promise<Error | undefined>
  bytesSent = 0
  bytesReceived = 0

  readonly #self: DeviceKey
  readonly #bufferBytes: number
  readonly #onFrame: MemoryLinkInit['onFrame']
  #other!: MemoryLink
  #state: 'open' | 'closed' = 'open'
  #failure: Error | undefined
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #isRead = false
  #wakeReader: (() => void) | undefined
  #drainWaiters = new Set<{ resolve: () => void; reject: (reason: unknown) => void }>()
  #resolveClosed!: (reason: Error | undefined) => void

  constructor(init: MemoryLinkInit, peer: DeviceKey, self: DeviceKey, isInitiator: boolean) {
    this.peer = peer
    this.#self = self
    this.isInitiator = isInitiator
    this.transport = init.transport ?? 'memory'
    this.remote = `${this.transport}://peer`
    this.match = init.match ?? { kind: 'space', name: 'memory' }
    this.#bufferBytes = init.bufferBytes ?? DEFAULT_BUFFER_BYTES
    this.#onFrame = init.onFrame
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  connect(other: MemoryLink): void {
    this.#other = other
  }

  send(...parts: readonly Uint8Array[]): boolean {
    if (this.#state === 'closed') {
      throw this.#failure ?? new DittoError('DITTO_CLOSED', 'The link was closed.')
    }
    // A copy, as a network makes one: a sender that reuses its buffer too early is caught by the receiver's checks.
    const payload = new Uint8Array(Buffer.concat(parts))
    encodeFrameHeader(payload.length)
    this.bytesSent += payload.length
    const outcome = this.#onFrame?.(payload, this.#self)
    if (outcome === 'cut') {
      const reason = new DittoError('DITTO_LINK_CUT', 'The link was cut.')
      this.#end(reason)
      this.#other.#end(reason)
      return false
    }
    if (outcome !== 'lose') this.#other.#deliver(outcome ?? payload)
    return this.#other.#inboxBytes < this.#bufferBytes
  }

  async drain(options: AbortOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#state === 'closed') throw this.#failure ?? new DittoError('DITTO_CLOSED', 'The link was closed.')
    if (this.#other.#inboxBytes < this.#bufferBytes) return
    await new Promise<void>((resolve, reject) => {
      const waiter = { resolve: () => settle(resolve), reject: (reason: unknown) => settle(() => reject(reason)) }
      const onAbort = () => waiter.reject(options.signal?.reason)
      const settle = (finish: () => void) => {
        this.#drainWaiters.delete(waiter)
        options.signal?.removeEventListener('abort', onAbort)
        finish()
      }
      options.signal?.addEventListener('abort', onAbort, { once: true })
      this.#drainWaiters.add(waiter)
    })
  }

  async *frames(): AsyncGenerator<Uint8Array> {
    if (this.#isRead) throw new TypeError('the frames of a link are read once')
    this.#isRead = true
    for (;;) {
      const payload = this.#inbox.shift()
      if (payload !== undefined) {
        this.#inboxBytes -= payload.length
        this.bytesReceived += payload.length
        if (this.#inboxBytes < this.#bufferBytes) for (const waiter of [...this.#other.#drainWaiters]) waiter.resolve()
        yield payload
      } else if (this.#state === 'closed') {
        if (this.#failure !== undefined) throw this.#failure
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve
        })
      }
    }
  }

  exportKeyingMaterial(length: number, label: string): Uint8Array {
    const names = [this.#self, this.peer].sort().join(label)
    return new Uint8Array(createHash('shake256', { outputLength: length }).update(names).digest())
  }

  async close(): Promise<void> {
    this.#end(undefined)
    this.#other.#end(new DittoError('DITTO_LINK_CUT', 'The peer ended the link.'))
  }

  abort(reason: Error): void {
    this.#inbox = []
    this.#inboxBytes = 0
    this.#end(reason)
    this.#other.#end(new DittoError('DITTO_LINK_CUT', 'The link was cut.'))
  }

  #deliver(payload: Uint8Array): void {
    if (this.#state === 'closed') return
    this.#inbox.push(payload)
    this.#inboxBytes += payload.length
    this.#wakeReader?.()
  }

  #end(reason: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#failure = reason
    this.#wakeReader?.()
    for (const waiter of [...this.#drainWaiters]) {
      waiter.reject(reason ?? new DittoError('DITTO_CLOSED', 'The link was closed.'))
    }
    this.#resolveClosed(reason)
  }
}
