import { type AbortOptions, type Clock, DittoError, type Logger } from '@dittofs/interface'
import { formatBleAddress } from './ble-address.ts'
import type { BleCentral, CentralPipe } from './ble-radio.ts'
import { BleSession } from './ble-session.ts'
import type { BleStream } from './ble-stream.ts'

/** A connection without streams is kept this long for the next one, and until all that was sent has arrived. */
const LINGER_MS = 1_000

export interface CentralLinksInit {
  central: BleCentral
  clock: Clock
  logger: Logger | undefined
  /** Until a connection is there, and again until the other side has taken a stream. */
  dialTimeoutMs: number
}

interface CentralLink {
  readonly pipe: CentralPipe
  readonly session: BleSession
  /** Readers of the announcement, who need the connection without a stream. */
  readers: number
}

/** The connections this device opened, one to each peripheral, shared by all who need it. */
export class CentralLinks {
  readonly #init: CentralLinksInit
  readonly #links = new Map<string, Promise<CentralLink>>()

  constructor(init: CentralLinksInit) {
    this.#init = init
  }

  /** @throws DittoError DITTO_PEER_UNREACHABLE */
  async dial(peripheral: string, { signal }: AbortOptions = {}): Promise<BleStream> {
    const { session } = await untilAborted(this.#link(peripheral), signal)
    const stream = session.open()
    if (stream === undefined) throw unreachable(peripheral, 'it has as many connections as it can have')
    const timeout = new AbortController()
    try {
      await untilAborted(Promise.race([stream.accepted, this.#timeout(timeout.signal)]), signal)
    } catch (error) {
      stream.destroy()
      signal?.throwIfAborted()
      throw unreachable(peripheral, 'it does not take connections now', error)
    } finally {
      timeout.abort()
    }
    return stream
  }

  /** @throws DittoError DITTO_PEER_UNREACHABLE */
  async readAnnouncement(peripheral: string): Promise<Buffer> {
    const link = await this.#link(peripheral)
    const timeout = new AbortController()
    link.readers++
    try {
      return await Promise.race([link.pipe.readAnnouncement(), this.#timeout(timeout.signal)])
    } catch (error) {
      throw unreachable(peripheral, 'its announcement cannot be read', error)
    } finally {
      timeout.abort()
      link.readers--
    }
  }

  /** The connection to a peripheral, which may still be coming about. */
  #link(peripheral: string): Promise<CentralLink> {
    const known = this.#links.get(peripheral)
    if (known !== undefined) return known
    const connecting = this.#connect(peripheral)
    this.#links.set(peripheral, connecting)
    connecting.catch(() => this.#forget(peripheral, connecting))
    return connecting
  }

  async #connect(peripheral: string): Promise<CentralLink> {
    const { central, clock, logger, dialTimeoutMs } = this.#init
    const patience = new AbortController()
    const done = new AbortController()
    void clock.sleep(dialTimeoutMs, { signal: done.signal }).then(
      () => patience.abort(new Error(`no answer within ${dialTimeoutMs / 1000} s`)),
      () => undefined,
    )
    let pipe: CentralPipe
    try {
      pipe = await central.connect(peripheral, { signal: patience.signal })
    } catch (error) {
      throw unreachable(peripheral, error instanceof Error ? error.message : String(error), error)
    } finally {
      done.abort()
    }
    const session = new BleSession({
      ...{ pipe, clock, isCentral: true },
      onEnd: (reason) => {
        logger?.debug({ peripheral, reason }, 'A Bluetooth connection that this device opened has ended.')
        this.#forget(peripheral, this.#links.get(peripheral))
      },
    })
    const link = { pipe, session, readers: 0 }
    void this.#keep(link)
    return link
  }

  /** Ends a connection once nobody needs it. */
  async #keep(link: CentralLink): Promise<void> {
    let wasNeeded = true
    while (!link.session.hasEnded) {
      await this.#init.clock.sleep(LINGER_MS)
      const isNeeded = link.readers > 0 || !link.session.isQuiet
      if (!isNeeded && !wasNeeded) link.session.close()
      wasNeeded = isNeeded
    }
  }

  #forget(peripheral: string, link: Promise<CentralLink> | undefined): void {
    if (this.#links.get(peripheral) === link) this.#links.delete(peripheral)
  }

  async #timeout(signal: AbortSignal): Promise<never> {
    const { clock, dialTimeoutMs } = this.#init
    // Whoever ends it early has lost interest in how it ends.
    await clock.sleep(dialTimeoutMs, { signal }).catch(() => new Promise(() => undefined))
    throw new Error(`no answer within ${dialTimeoutMs / 1000} s`)
  }
}

function unreachable(peripheral: string, reason: string, cause?: unknown): DittoError {
  const address = formatBleAddress(peripheral)
  return new DittoError('DITTO_PEER_UNREACHABLE', `${address} cannot be reached: ${reason}.`, {
    ...(cause === undefined ? {} : { cause }),
    details: { address, reason },
  })
}

/** What a promise gives, or the signal's reason: the promise goes on for others. */
function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
