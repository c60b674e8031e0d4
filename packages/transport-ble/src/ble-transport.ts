import { randomBytes } from 'node:crypto'
import {
  type AbortOptions,
  type Address,
  type Clock,
  type DiscoverOptions,
  type Discovery,
  DittoError,
  type Listener,
  type ListenOptions,
  type Logger,
  type RandomBytes,
  systemClock,
  type Transport,
  type TransportCapabilities,
} from '@dittofs/interface'
import { formatBleAddress, parseBleAddress } from './ble-address.ts'
import { BleDiscovery } from './ble-discovery.ts'
import type { BleCentral, BlePeripheral } from './ble-radio.ts'
import type { BleStream } from './ble-stream.ts'
import { loadBlenoPeripheral } from './bleno-peripheral.ts'
import { CentralLinks } from './central-links.ts'
import { loadNobleCentral } from './noble-central.ts'
import { PeripheralHost } from './peripheral-host.ts'

/** Finding a peripheral takes seconds, for it is looked for and not asked; so may each step of connecting to it. */
export const DEFAULT_DIAL_TIMEOUT_MS = 20_000

export interface BleTransportInit {
  clock?: Clock
  randomBytes?: RandomBytes
  logger?: Logger
  /** Milliseconds until a dial that nothing answers is given up. */
  dialTimeoutMs?: number
  /**
   * Give the two halves of the radio, once each. Default: `@abandonware/noble` and `@stoprocent/bleno`.
   *
   * @throws DittoError DITTO_UNSUPPORTED
   */
  loadCentral?: () => Promise<BleCentral>
  loadPeripheral?: () => Promise<BlePeripheral>
}

/** Connections over Bluetooth LE, as streams over GATT. Addresses are `ble://PERIPHERAL`, without a port. */
export function bleTransport(init: BleTransportInit = {}): Transport {
  return new BleTransport(init)
}

class BleTransport implements Transport {
  readonly name = 'ble'
  readonly capabilities: TransportCapabilities = {
    canListen: true,
    canDial: true,
    canDiscover: true,
    isMetered: true,
    isSlow: true,
    hasNoPorts: true,
    hasFleetingAddresses: true,
  }
  readonly #init: BleTransportInit
  readonly #clock: Clock
  #radio: Promise<{ central: BleCentral; links: CentralLinks }> | undefined
  #host: Promise<PeripheralHost> | undefined

  constructor(init: BleTransportInit) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
  }

  async listen({ onConnection, signal }: ListenOptions): Promise<Listener> {
    signal?.throwIfAborted()
    const host = await this.#openHost()
    await host.listen(onConnection)
    const listener = new BleListener(host)
    if (signal?.aborted) await listener.close()
    signal?.throwIfAborted()
    return listener
  }

  async dial(address: Address, options: AbortOptions = {}): Promise<BleStream> {
    const peripheral = parseBleAddress(address)
    options.signal?.throwIfAborted()
    const { links } = await this.#openRadio().catch((cause: unknown) => {
      const reason = describe(cause)
      throw new DittoError('DITTO_PEER_UNREACHABLE', `${address} cannot be reached: ${reason}`, {
        cause,
        details: { address, reason },
      })
    })
    options.signal?.throwIfAborted()
    return links.dial(peripheral, options)
  }

  async discover(options: DiscoverOptions): Promise<Discovery> {
    options.signal?.throwIfAborted()
    const [radio, host] = await Promise.allSettled([this.#openRadio(), this.#openHost()])
    if (radio.status === 'rejected' && host.status === 'rejected') throw radio.reason
    const failed = [radio, host].find((outcome) => outcome.status === 'rejected')
    const discovery = new BleDiscovery(
      {
        central: radio.status === 'fulfilled' ? radio.value.central : undefined,
        links: radio.status === 'fulfilled' ? radio.value.links : undefined,
        host: host.status === 'fulfilled' ? host.value : undefined,
        reason: failed && describe(failed.reason),
        clock: this.#clock,
        logger: this.#init.logger,
      },
      options,
    )
    await discovery.start()
    if (options.signal?.aborted) await discovery.close()
    options.signal?.throwIfAborted()
    return discovery
  }

  /** Tried again by the next caller where it fails: an adapter may be plugged in or switched on. */
  #openRadio(): Promise<{ central: BleCentral; links: CentralLinks }> {
    this.#radio ??= this.#loadRadio().catch((error: unknown) => {
      this.#radio = undefined
      throw error
    })
    return this.#radio
  }

  async #loadRadio(): Promise<{ central: BleCentral; links: CentralLinks }> {
    const { logger, dialTimeoutMs = DEFAULT_DIAL_TIMEOUT_MS } = this.#init
    const load = this.#init.loadCentral ?? (() => loadNobleCentral({ ...this.#tools(), logger }))
    const central = await load()
    return { central, links: new CentralLinks({ central, clock: this.#clock, logger, dialTimeoutMs }) }
  }

  #tools(): { readonly clock: Clock; readonly randomBytes: RandomBytes } {
    return { clock: this.#clock, randomBytes: this.#init.randomBytes ?? randomBytes }
  }

  #openHost(): Promise<PeripheralHost> {
    this.#host ??= this.#loadHost().catch((error: unknown) => {
      this.#host = undefined
      throw error
    })
    return this.#host
  }

  async #loadHost(): Promise<PeripheralHost> {
    const { logger } = this.#init
    const load = this.#init.loadPeripheral ?? (() => loadBlenoPeripheral({ ...this.#tools(), logger }))
    return new PeripheralHost({ peripheral: await load(), clock: this.#clock, logger })
  }
}

class BleListener implements Listener {
  readonly #host: PeripheralHost
  #closing: Promise<void> | undefined

  constructor(host: PeripheralHost) {
    this.#host = host
  }

  /** None where the system keeps the adapter's address to itself: the device is found by discovery then. */
  addresses(): readonly Address[] {
    const { address } = this.#host
    return address === undefined ? [] : [formatBleAddress(address)]
  }

  close(): Promise<void> {
    this.#closing ??= this.#host.close()
    return this.#closing
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
