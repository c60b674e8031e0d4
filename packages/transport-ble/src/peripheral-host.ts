import { type Clock, DittoError, type IncomingDuplex, type Logger } from '@dittofs/interface'
import { formatBleAddress } from './ble-address.ts'
import type { BlePeripheral, BlePipe } from './ble-radio.ts'
import { BleSession } from './ble-session.ts'
import type { BleStream } from './ble-stream.ts'

/** Connections of centrals. Adapters hold fewer; this bounds those that hold more. */
const MAX_PIPES = 16
/** A central that uses its connection for nothing takes a place that others need. */
const IDLE_MS = 30_000
/** What is advertised as a name before there is anything to announce. */
const NO_NAME = ''

type OnConnection = (incoming: IncomingDuplex) => void

export interface PeripheralHostInit {
  peripheral: BlePeripheral
  clock: Clock
  logger: Logger | undefined
}

/** The own side that others find and connect to: the service, its advertising, and the sessions of its centrals. */
export class PeripheralHost {
  readonly #init: PeripheralHostInit
  readonly #sessions = new Set<BleSession>()
  #onConnection: OnConnection | undefined
  #announcement: (() => Buffer) | undefined
  #name = NO_NAME
  /** Calls to the adapter, one after the other. */
  #work: Promise<void> = Promise.resolve()

  constructor(init: PeripheralHostInit) {
    this.#init = init
  }

  get address(): string | undefined {
    return this.#init.peripheral.address
  }

  /** @throws DittoError DITTO_PORT_IN_USE */
  async listen(onConnection: OnConnection): Promise<void> {
    if (this.#onConnection !== undefined) {
      throw new DittoError('DITTO_PORT_IN_USE', 'This device listens on Bluetooth already; close that listener first.')
    }
    this.#onConnection = onConnection
    try {
      await this.#then(async () => {
        await this.#init.peripheral.serve({
          onPipe: (pipe, central) => this.#accept(pipe, central),
          announcement: () => this.#announcement?.() ?? Buffer.alloc(0),
        })
        await this.#init.peripheral.advertise(this.#name)
      })
    } catch (error) {
      this.#onConnection = undefined
      throw error
    }
  }

  /** Sessions live on, and take no more streams. */
  async close(): Promise<void> {
    this.#onConnection = undefined
    await this.#then(() => this.#init.peripheral.stopAdvertising())
  }

  /**
   * Sets what is announced from now on.
   *
   * @param value - of the announcement characteristic, asked for anew each time it is read
   */
  announce(value: (() => Buffer) | undefined): void {
    this.#announcement = value
  }

  /** Advertises a name, where this device listens. Fails silently: the next one may work. */
  async rename(name: string | undefined): Promise<void> {
    const wanted = name ?? NO_NAME
    if (this.#name === wanted && !this.#init.peripheral.hasOldAddress) return
    this.#name = wanted
    await this.#then(async () => {
      if (this.#onConnection !== undefined) await this.#init.peripheral.advertise(wanted)
    }).catch((error: unknown) =>
      this.#init.logger?.debug({ error }, 'The Bluetooth advertisement could not be changed.'),
    )
  }

  #accept(pipe: BlePipe, central: string): void {
    if (this.#sessions.size >= MAX_PIPES) {
      pipe.close()
      return
    }
    const remote = formatBleAddress(central)
    const session: BleSession = new BleSession({
      ...{ pipe, clock: this.#init.clock, isCentral: false },
      onStream: (stream) => this.#take(stream, remote),
      onEnd: (reason) => {
        this.#sessions.delete(session)
        this.#init.logger?.debug({ remote, reason }, 'A Bluetooth connection from another device has ended.')
      },
    })
    this.#sessions.add(session)
    void this.#endIfIdle(session)
  }

  #take(stream: BleStream, remote: string): boolean {
    const onConnection = this.#onConnection
    if (onConnection === undefined) return false
    onConnection({ duplex: stream, remote })
    return true
  }

  async #endIfIdle(session: BleSession): Promise<void> {
    let wasIdle = false
    while (!session.hasEnded) {
      await this.#init.clock.sleep(IDLE_MS / 2)
      // Whether what was sent has arrived is the central's to say, who may never say it.
      const isIdle = !session.hasStreams
      if (isIdle && wasIdle) session.close()
      wasIdle = isIdle
    }
  }

  #then(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => undefined)
    return done
  }
}
