import type {
  BleAdvert,
  BleCentral,
  BlePeripheral,
  BlePipe,
  BlePipeEvents,
  CentralPipe,
  PeripheralEvents,
} from '../../src/ble-radio.ts'

/** The radio waves of one place: peripherals by address, and what the next connections are like. */
export class MemoryAir {
  readonly peripherals = new Map<string, MemoryPeripheral>()
  readonly scanners = new Set<(advert: BleAdvert) => void>()
  /** Connections opened so far, both ends of each. */
  readonly connections: [MemoryPipe, MemoryPipe][] = []
  maxPduBytes = 253
  /** Peripherals at which connecting takes for ever. */
  readonly silent = new Set<string>()

  hear(address: string, name: string): void {
    for (const scanner of this.scanners) scanner({ peripheral: address, name })
  }
}

/** One end of a connection in memory: PDUs arrive in order, a turn of the event loop later. */
export class MemoryPipe implements BlePipe {
  readonly maxPduBytes: number
  other!: MemoryPipe
  /** PDUs on their way to the other end, for tests to look at. */
  inFlight: Buffer[] = []
  /** Whether the other end hears what is sent: `false` is a peer killed without a word. */
  isConnected = true
  #events: BlePipeEvents | undefined
  #waiting: Buffer[] = []
  #isClosed = false
  readonly sent: Buffer[] = []

  constructor(maxPduBytes: number) {
    this.maxPduBytes = maxPduBytes
  }

  static pair(maxPduBytes = 253): [MemoryPipe, MemoryPipe] {
    const ends: [MemoryPipe, MemoryPipe] = [new MemoryPipe(maxPduBytes), new MemoryPipe(maxPduBytes)]
    ends[0].other = ends[1]
    ends[1].other = ends[0]
    return ends
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  send(bytes: Buffer): void {
    if (this.#isClosed) return
    if (bytes.length > this.maxPduBytes) throw new RangeError(`a PDU of ${bytes.length} bytes does not fit`)
    this.sent.push(bytes)
    if (this.sent.length > 1_000) this.sent.shift()
    if (!this.isConnected) return
    if (this.inFlight.push(bytes) > 1) return
    setImmediate(() => {
      for (const pdu of this.inFlight.splice(0)) this.other.#arrived(pdu)
    })
  }

  receive(events: BlePipeEvents): void {
    this.#events = events
    for (const bytes of this.#waiting.splice(0)) events.onPdu(bytes)
    if (this.#isClosed) events.onClose()
  }

  close(): void {
    this.#gone()
    // What was sent before arrives before.
    if (this.isConnected) setImmediate(() => this.other.#gone())
  }

  #arrived(bytes: Buffer): void {
    if (this.#isClosed) return
    if (this.#events === undefined) this.#waiting.push(bytes)
    else this.#events.onPdu(bytes)
  }

  #gone(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events?.onClose()
  }
}

class MemoryCentralPipe extends MemoryPipe implements CentralPipe {
  read: () => Buffer = () => Buffer.alloc(0)

  async readAnnouncement(): Promise<Buffer> {
    return this.read()
  }
}

export class MemoryCentral implements BleCentral {
  readonly #air: MemoryAir
  readonly #address: string
  #scanner: ((advert: BleAdvert) => void) | undefined

  constructor(air: MemoryAir, address = 'cccccccccccc') {
    this.#air = air
    this.#address = address
  }

  startScan(onAdvert: (advert: BleAdvert) => void): void {
    this.stopScan()
    this.#scanner = onAdvert
    this.#air.scanners.add(onAdvert)
    for (const { address, name } of this.#air.peripherals.values()) onAdvert({ peripheral: address, name })
  }

  stopScan(): void {
    if (this.#scanner !== undefined) this.#air.scanners.delete(this.#scanner)
    this.#scanner = undefined
  }

  async connect(address: string, { signal }: { signal: AbortSignal }): Promise<CentralPipe> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#air.silent.has(address)) {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    const peripheral = this.#air.peripherals.get(address)
    if (peripheral?.events === undefined) throw new Error('it is not near')
    const { events } = peripheral
    const central = new MemoryCentralPipe(this.#air.maxPduBytes)
    const responder = new MemoryPipe(this.#air.maxPduBytes)
    central.other = responder
    responder.other = central
    central.read = events.announcement
    this.#air.connections.push([central, responder])
    events.onPipe(responder, this.#address)
    return central
  }
}

export class MemoryPeripheral implements BlePeripheral {
  readonly address: string
  hasOldAddress = false
  name = ''
  events: PeripheralEvents | undefined
  readonly #air: MemoryAir

  constructor(air: MemoryAir, address = 'aaaaaaaaaaaa') {
    this.#air = air
    this.address = address
  }

  async serve(events: PeripheralEvents): Promise<void> {
    this.events = events
  }

  async advertise(name: string): Promise<void> {
    this.name = name
    this.#air.peripherals.set(this.address, this)
    this.#air.hear(this.address, name)
  }

  async stopAdvertising(): Promise<void> {
    this.#air.peripherals.delete(this.address)
  }
}
