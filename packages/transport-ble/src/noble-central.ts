import { EventEmitter, once } from 'node:events'
import type { AbortOptions, Clock, Logger, RandomBytes } from '@dittofs/interface'
import type { BleAdvert, BleCentral, CentralPipe } from './ble-radio.ts'
import { ANNOUNCEMENT_UUID, pduBytesFor, SERVICE_UUID, TO_CENTRAL_UUID, TO_PERIPHERAL_UUID } from './gatt-service.ts'
import { PrivateAddress } from './private-address.ts'
import { QueuedPipe } from './queued-pipe.ts'
import { type PoweredRadio, powerOn } from './radio-power.ts'
import { radioUnavailable } from './radio-unavailable.ts'
import { forgetStrangers, quietConsole, survivePackets } from './tame-package.ts'

/** Peripherals remembered; past it the one heard longest ago goes. */
const MAX_PERIPHERALS = 256
/** As long as an announcement is the same: whoever scans and connects shows an address too. */
const RENEW_AFTER_MS = 10 * 60_000
/** Others wait for their turn: a peripheral that was heard a moment ago answers within a second or two. */
const CONNECT_TIMEOUT_MS = 8_000

/** What is used of `@abandonware/noble`. */
interface Noble extends PoweredRadio {
  startScanning(services: readonly string[], allowDuplicates: boolean): void
  stopScanning(): void
}

interface NobleCharacteristic extends EventEmitter {
  readonly uuid: string
  write(bytes: Buffer, withoutResponse: boolean): void
  readAsync(): Promise<Buffer>
  subscribeAsync(): Promise<void>
}

interface NoblePeripheral extends EventEmitter {
  readonly id: string
  readonly state: string
  readonly mtu: number | null
  readonly advertisement?: { readonly localName?: string }
  connectAsync(): Promise<void>
  cancelConnect(): void
  disconnect(): void
  discoverSomeServicesAndCharacteristicsAsync(
    services: readonly string[],
    characteristics: readonly string[],
  ): Promise<{ characteristics: readonly NobleCharacteristic[] }>
}

/** @throws DittoError DITTO_UNSUPPORTED */
export async function loadNobleCentral(init: {
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger | undefined
}): Promise<BleCentral> {
  quietConsole(init.logger)
  let noble: Noble
  try {
    noble = (await import('@abandonware/noble')).default as unknown as Noble
  } catch (error) {
    throw radioUnavailable(error)
  }
  survivePackets(noble, init.logger)
  await powerOn(noble, init.clock)
  const privateAddress = PrivateAddress.of(noble, init)
  await privateAddress?.renew()
  return new NobleCentral(noble, init.clock, privateAddress)
}

class NobleCentral implements BleCentral {
  readonly #noble: Noble
  readonly #peripherals = new Map<string, NoblePeripheral>()
  readonly #heard = new EventEmitter().setMaxListeners(0)
  #onAdvert: ((advert: BleAdvert) => void) | undefined
  /** Dials that wait until their peripheral is heard. */
  #searches = 0
  #isConnecting = false
  #isScanning = false
  /** Connections are opened one after the other: adapters open no two at a time, and cancelling names none. */
  #turn: Promise<unknown> = Promise.resolve()
  readonly #clock: Clock
  readonly #privateAddress: PrivateAddress | undefined
  #renewedAt: number

  constructor(noble: Noble, clock: Clock, privateAddress: PrivateAddress | undefined) {
    this.#noble = noble
    this.#clock = clock
    this.#privateAddress = privateAddress
    this.#renewedAt = clock.monotonic()
    noble.on('discover', (peripheral: NoblePeripheral) => this.#discovered(peripheral))
    noble.on('stateChange', () => {
      this.#isScanning = false
      this.#scanOrNot()
    })
  }

  startScan(onAdvert: (advert: BleAdvert) => void): void {
    this.#onAdvert = onAdvert
    this.#isScanning = false
    this.#scanOrNot()
  }

  stopScan(): void {
    this.#onAdvert = undefined
    this.#scanOrNot()
  }

  async connect(id: string, { signal }: Required<AbortOptions>): Promise<CentralPipe> {
    const peripheral = this.#peripherals.get(id) ?? (await this.#search(id, signal))
    const turn = this.#turn.then(() => this.#connectNow(peripheral, signal))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #connectNow(peripheral: NoblePeripheral, signal: AbortSignal): Promise<CentralPipe> {
    this.#isConnecting = true
    // Many adapters refuse to connect while they scan.
    this.#scanOrNot()
    try {
      return await connectPeripheral(peripheral, AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]))
    } catch (error) {
      // It may have gone, and is looked for next time.
      this.#peripherals.delete(peripheral.id)
      throw error
    } finally {
      this.#isConnecting = false
      this.#scanOrNot()
    }
  }

  async #search(id: string, signal: AbortSignal): Promise<NoblePeripheral> {
    this.#searches++
    this.#isScanning = false
    this.#scanOrNot()
    try {
      const [peripheral] = (await once(this.#heard, id, { signal })) as [NoblePeripheral]
      return peripheral
    } catch {
      throw new Error('it is not near, or does not advertise')
    } finally {
      this.#searches--
      this.#scanOrNot()
    }
  }

  #discovered(peripheral: NoblePeripheral): void {
    const id = peripheral.id
    this.#peripherals.delete(id)
    this.#peripherals.set(id, peripheral)
    if (this.#peripherals.size > MAX_PERIPHERALS) {
      this.#peripherals.delete(this.#peripherals.keys().next().value as string)
    }
    this.#heard.emit(id, peripheral)
    this.#onAdvert?.({ peripheral: id, name: peripheral.advertisement?.localName })
  }

  /** Scans where somebody wants it and nothing stands against it. */
  #scanOrNot(): void {
    const isWanted = this.#onAdvert !== undefined || this.#searches > 0
    const shouldScan = isWanted && !this.#isConnecting && this.#noble.state === 'poweredOn'
    if (shouldScan === this.#isScanning) return
    this.#isScanning = shouldScan
    if (shouldScan) {
      forgetStrangers(this.#noble)
      this.#renewAddress()
      this.#noble.startScanning([plain(SERVICE_UUID)], false)
    } else if (this.#noble.state === 'poweredOn') this.#noble.stopScanning()
  }

  /** Between two scans, when the adapter may take another address. Where it does not, it is asked again soon. */
  #renewAddress(): void {
    const now = this.#clock.monotonic()
    if (this.#privateAddress === undefined || now - this.#renewedAt < RENEW_AFTER_MS) return
    void this.#privateAddress.renew().then((isNew) => {
      if (isNew) this.#renewedAt = now
    })
  }
}

async function connectPeripheral(peripheral: NoblePeripheral, signal: AbortSignal): Promise<CentralPipe> {
  const onAbort = () => (peripheral.state === 'connecting' ? peripheral.cancelConnect() : disconnect(peripheral))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    // Its last connection may still be on its way out.
    if (peripheral.state === 'disconnecting') await once(peripheral, 'disconnect', { signal })
    await peripheral.connectAsync()
    return await untilGone(peripheral, openPipe(peripheral))
  } catch (error) {
    disconnect(peripheral)
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function openPipe(peripheral: NoblePeripheral): Promise<CentralPipe> {
  const wanted = [TO_PERIPHERAL_UUID, TO_CENTRAL_UUID, ANNOUNCEMENT_UUID].map(plain)
  const { characteristics } = await peripheral.discoverSomeServicesAndCharacteristicsAsync(
    [plain(SERVICE_UUID)],
    wanted,
  )
  const [toPeripheral, toCentral, announcement] = wanted.map((uuid) => characteristics.find((one) => one.uuid === uuid))
  if (toPeripheral === undefined || toCentral === undefined || announcement === undefined) {
    throw new Error('it does not offer what DittoFS needs')
  }
  const pipe = new NoblePipe(peripheral, toPeripheral, announcement)
  const onData = (bytes: Buffer) => pipe.arrived(bytes)
  toCentral.on('data', onData)
  peripheral.once('disconnect', () => {
    toCentral.off('data', onData)
    pipe.closed()
  })
  await toCentral.subscribeAsync()
  return pipe
}

class NoblePipe extends QueuedPipe implements CentralPipe {
  readonly #announcement: NobleCharacteristic

  constructor(peripheral: NoblePeripheral, toPeripheral: NobleCharacteristic, announcement: NobleCharacteristic) {
    super({
      maxPduBytes: pduBytesFor(peripheral.mtu),
      send: (bytes) => toPeripheral.write(bytes, true),
      disconnect: () => disconnect(peripheral),
    })
    this.#announcement = announcement
  }

  readAnnouncement(): Promise<Buffer> {
    return this.#announcement.readAsync()
  }
}

/** noble answers nothing that was asked of a connection that has gone. */
function untilGone<Value>(peripheral: NoblePeripheral, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onGone = () => reject(new Error('the connection was lost while it was opened'))
    peripheral.once('disconnect', onGone)
    promise.then(resolve, reject).finally(() => peripheral.off('disconnect', onGone))
  })
}

function disconnect(peripheral: NoblePeripheral): void {
  if (peripheral.state === 'connected') peripheral.disconnect()
}

function plain(uuid: string): string {
  return uuid.replaceAll('-', '')
}
