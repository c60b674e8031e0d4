import type { AbortOptions } from '@dittofs/interface'

/** What a pipe tells its owner. */
export interface BlePipeEvents {
  /** One PDU, the owner's from now on. */
  onPdu: (bytes: Buffer) => void
  /** The connection is gone, whoever ended it. Nothing follows; called once. */
  onClose: () => void
}

/** One GATT connection, seen from either end: PDUs both ways, in order. What is sent may be lost with the connection. */
export interface BlePipe {
  /** 20 to 512. */
  readonly maxPduBytes: number
  /** Queues one PDU, which is the pipe's from then on. Does nothing once the connection is gone. */
  send(bytes: Buffer): void
  /** Called once, before or after the connection is gone; what came before is told then. */
  receive(events: BlePipeEvents): void
  /** Ends the connection. Idempotent. */
  close(): void
}

/** A connection that this device opened. */
export interface CentralPipe extends BlePipe {
  /** The announcement characteristic. */
  readAnnouncement(): Promise<Buffer>
}

/** A peripheral that advertises the service. */
export interface BleAdvert {
  /** Hex digits in lower case, as in its address. */
  readonly peripheral: string
  /** What it advertises as its name. */
  readonly name: string | undefined
}

/** Finds peripherals and connects to them. */
export interface BleCentral {
  /** Tells of each peripheral that is heard from now on, repeatedly. Scanning anew tells of all again. */
  startScan(onAdvert: (advert: BleAdvert) => void): void
  stopScan(): void
  /**
   * Connects to a peripheral that offers the service, looking for it first where it has not been heard yet. There is
   * at most one connection to each.
   *
   * @throws Error whatever the system says
   */
  connect(peripheral: string, options: Required<AbortOptions>): Promise<CentralPipe>
}

export interface PeripheralEvents {
  /** A central has connected and listens. */
  onPipe: (pipe: BlePipe, central: string) => void
  /** The value of the announcement characteristic now. */
  announcement: () => Buffer
}

/** Is found by centrals, and takes their connections. */
export interface BlePeripheral {
  /** The address it is found by, where the system tells it. */
  readonly address: string | undefined
  /** Whether the adapter was busy when it should have taken another address: advertising anew tries again. */
  readonly hasOldAddress: boolean
  /** Offers the service. Called again it replaces the events. */
  serve(events: PeripheralEvents): Promise<void>
  /**
   * Advertises the service under a name of at most 8 bytes; called again it changes the name, and with it the address
   * where that is in its power, so that the two names cannot be connected.
   */
  advertise(name: string): Promise<void>
  /** Connections live on. */
  stopAdvertising(): Promise<void>
}
