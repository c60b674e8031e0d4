import type { Clock, Logger, RandomBytes } from '@dittofs/interface'
import type { BlePeripheral, PeripheralEvents } from './ble-radio.ts'
import {
  ANNOUNCEMENT_UUID,
  MAX_PDU_BYTES,
  MIN_PDU_BYTES,
  SERVICE_UUID,
  TO_CENTRAL_UUID,
  TO_PERIPHERAL_UUID,
} from './gatt-service.ts'
import { PrivateAddress } from './private-address.ts'
import { QueuedPipe } from './queued-pipe.ts'
import { type PoweredRadio, powerOn } from './radio-power.ts'
import { radioUnavailable } from './radio-unavailable.ts'
import { quietConsole, survivePackets } from './tame-package.ts'

/** A central that does not even subscribe takes a place that others need. */
const SUBSCRIBE_TIMEOUT_MS = 30_000
/** The adapter answers within milliseconds; some systems never answer. */
const ANSWER_TIMEOUT_MS = 3_000

/** A number on Linux, text on macOS. */
type Handle = number | string
type Answer = (result: number, data?: Buffer) => void

interface CharacteristicOptions {
  uuid: string
  properties: readonly string[]
  onReadRequest?: (handle: Handle, offset: number, answer: Answer) => void
  onWriteRequest?: (handle: Handle, data: Buffer, offset: number, withoutResponse: boolean, answer: Answer) => void
  onSubscribe?: (handle: Handle, maxValueBytes: number, update: (data: Buffer) => void) => void
  onUnsubscribe?: (handle: Handle) => void
}

/** What is used of `@stoprocent/bleno`. */
interface Bleno extends PoweredRadio {
  readonly address: string
  readonly _bindings?: { readonly _hci?: { setAdvertisingParameters?: () => void } }
  readonly Characteristic: (new (
    options: CharacteristicOptions,
  ) => object) & {
    readonly RESULT_SUCCESS: number
    readonly RESULT_INVALID_OFFSET: number
  }
  readonly PrimaryService: new (options: { uuid: string; characteristics: readonly object[] }) => object
  setServicesAsync(services: readonly object[]): Promise<void>
  startAdvertisingAsync(name: string, services: readonly string[]): Promise<void>
  stopAdvertisingAsync(): Promise<void>
  disconnect(handle: Handle): void
}

/** @throws DittoError DITTO_UNSUPPORTED */
export async function loadBlenoPeripheral(init: {
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger | undefined
}): Promise<BlePeripheral> {
  quietConsole(init.logger)
  let bleno: Bleno
  try {
    bleno = (await import('@stoprocent/bleno')).default as unknown as Bleno
  } catch (error) {
    throw radioUnavailable(error)
  }
  survivePackets(bleno, init.logger)
  await powerOn(bleno, init.clock)
  return new BlenoPeripheral(bleno, init.clock, PrivateAddress.of(bleno, init))
}

class BlenoPeripheral implements BlePeripheral {
  readonly #bleno: Bleno
  readonly #clock: Clock
  readonly #pipes = new Map<Handle, QueuedPipe>()
  readonly #centrals = new Map<Handle, string>()
  /** What each central is reading: its second part has to be of the same value as the first. */
  readonly #values = new Map<Handle, Buffer>()
  #events: PeripheralEvents | undefined
  readonly #privateAddress: PrivateAddress | undefined
  #isAdvertising = false
  #name = ''
  hasOldAddress = false

  constructor(bleno: Bleno, clock: Clock, privateAddress: PrivateAddress | undefined) {
    this.#bleno = bleno
    this.#clock = clock
    this.#privateAddress = privateAddress
    bleno.on('accept', (central: string, handle: Handle) => {
      this.#centrals.set(handle, central)
      void this.#endUnlessSubscribed(handle)
    })
    bleno.on('disconnect', (_central: string, handle: Handle) => {
      this.#centrals.delete(handle)
      this.#values.delete(handle)
      this.#closed(handle)
    })
  }

  get address(): string | undefined {
    const current = this.#privateAddress?.current
    if (current !== undefined) return current
    return /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(this.#bleno.address) ? this.#bleno.address : undefined
  }

  async serve(events: PeripheralEvents): Promise<void> {
    const isServing = this.#events !== undefined
    this.#events = events
    if (isServing) return
    const { Characteristic, PrimaryService } = this.#bleno
    const characteristics = [
      new Characteristic({
        uuid: TO_PERIPHERAL_UUID,
        properties: ['writeWithoutResponse'],
        onWriteRequest: (handle, data, _offset, _withoutResponse, answer) => {
          this.#pipes.get(handle)?.arrived(data)
          answer(Characteristic.RESULT_SUCCESS)
        },
      }),
      new Characteristic({
        uuid: TO_CENTRAL_UUID,
        properties: ['notify'],
        onSubscribe: (handle, maxValueBytes, update) => this.#subscribed(handle, maxValueBytes, update),
        onUnsubscribe: (handle) => this.#closed(handle),
      }),
      new Characteristic({
        uuid: ANNOUNCEMENT_UUID,
        properties: ['read'],
        onReadRequest: (handle, offset, answer) => this.#read(handle, offset, answer),
      }),
    ]
    await this.#answered(this.#bleno.setServicesAsync([new PrimaryService({ uuid: SERVICE_UUID, characteristics })]))
  }

  async advertise(name: string): Promise<void> {
    // Advertising that goes on is an error of the adapter's to start again, and keeps its name.
    await this.stopAdvertising()
    await this.#renewAddress()
    this.#name = name
    this.#isAdvertising = true
    await this.#answered(this.#bleno.startAdvertisingAsync(name, [SERVICE_UUID]))
  }

  async stopAdvertising(): Promise<void> {
    if (!this.#isAdvertising) return
    this.#isAdvertising = false
    await this.#answered(this.#bleno.stopAdvertisingAsync())
  }

  async #renewAddress(): Promise<void> {
    const address = this.#privateAddress
    // By an empty name nobody recognizes what comes after it.
    if (address === undefined || (this.#name === '' && address.current !== undefined)) return
    this.hasOldAddress = !(await address.renew())
    // bleno says once, at its start, by which kind of address it advertises.
    this.#bleno._bindings?._hci?.setAdvertisingParameters?.()
  }

  #subscribed(handle: Handle, maxValueBytes: number, update: (data: Buffer) => void): void {
    this.#closed(handle)
    const pipe = new QueuedPipe({
      maxPduBytes: Math.min(Math.max(maxValueBytes, MIN_PDU_BYTES), MAX_PDU_BYTES),
      send: update,
      disconnect: () => this.#disconnect(handle),
    })
    this.#pipes.set(handle, pipe)
    this.#events?.onPipe(pipe, this.#centrals.get(handle) ?? `${handle}`)
  }

  #closed(handle: Handle): void {
    const pipe = this.#pipes.get(handle)
    this.#pipes.delete(handle)
    pipe?.closed()
  }

  /** May hit a later connection of the same handle a little early, which then comes again. */
  async #endUnlessSubscribed(handle: Handle): Promise<void> {
    await this.#clock.sleep(SUBSCRIBE_TIMEOUT_MS)
    if (this.#centrals.has(handle) && !this.#pipes.has(handle)) this.#disconnect(handle)
  }

  #disconnect(handle: Handle): void {
    // bleno takes a handle of 0, which adapters do give, for all of them.
    if (handle !== 0 || this.#centrals.size <= 1) this.#bleno.disconnect(handle)
  }

  #read(handle: Handle, offset: number, answer: Answer): void {
    const { RESULT_SUCCESS, RESULT_INVALID_OFFSET } = this.#bleno.Characteristic
    const value = (offset > 0 ? this.#values.get(handle) : undefined) ?? this.#events?.announcement() ?? Buffer.alloc(0)
    this.#values.set(handle, value)
    if (offset > value.length) answer(RESULT_INVALID_OFFSET)
    else answer(RESULT_SUCCESS, value.subarray(offset))
  }

  async #answered(answer: Promise<void>): Promise<void> {
    const done = new AbortController()
    const silence = this.#clock.sleep(ANSWER_TIMEOUT_MS, { signal: done.signal }).then(
      () => Promise.reject(radioUnavailable('no answer')),
      () => undefined,
    )
    try {
      await Promise.race([answer, silence])
    } catch (error) {
      throw radioUnavailable(error)
    } finally {
      done.abort()
    }
  }
}
