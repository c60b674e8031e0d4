import type { Announcement, Clock, DiscoverOptions, Discovery, DiscoveryState, Logger } from '@dittofs/interface'
import { announcementDigest, decodeAnnouncement, digestOfName, encodeAnnouncement } from './announcement-value.ts'
import { formatBleAddress } from './ble-address.ts'
import type { BleAdvert, BleCentral } from './ble-radio.ts'
import type { CentralLinks } from './central-links.ts'
import type { PeripheralHost } from './peripheral-host.ts'

/** Advertisements come several times a second; between two scans the radio is for the connections. */
const SCAN_MS = 5_000
const PAUSE_MS = 10_000
/** A peripheral that could not be read, or that does not say whether it announces something new, is read again then. */
const REREAD_MS = 30_000
/** One that announces something and could not be read: it may hold on to the connection of one who has gone. */
const RETRY_MS = 2_000
/** Peripherals remembered; past it the one heard longest ago goes. */
const MAX_PERIPHERALS = 256
/** Peripherals that wait to be read: each takes a connection and up to some seconds. */
const MAX_QUEUED = 32

export interface BleDiscoveryInit {
  /** `undefined`, with the reason: this machine cannot look for others, or cannot be found. */
  central: BleCentral | undefined
  links: CentralLinks | undefined
  host: PeripheralHost | undefined
  reason: string | undefined
  clock: Clock
  logger: Logger | undefined
}

interface Heard {
  readonly digest: string | undefined
  readonly readAt: number
  /** `undefined` where it could not be read or announces nothing. */
  readonly announcement: Announcement | undefined
}

/** Announces by advertising, and reads what others announce. */
export class BleDiscovery implements Discovery {
  readonly #init: BleDiscoveryInit
  readonly #options: DiscoverOptions
  readonly #heard = new Map<string, Heard>()
  readonly #queue = new Map<string, string | undefined>()
  readonly #stop = new AbortController()
  #pause = new AbortController()
  #isReading = false
  #ownDigest: string | undefined
  /** Nonces announced by this device, for where it does not know its own address. */
  readonly #ownNonces = new Set<string>()
  #running: Promise<void> | undefined

  constructor(init: BleDiscoveryInit, options: DiscoverOptions) {
    this.#init = init
    this.#options = options
  }

  async start(): Promise<void> {
    this.#init.host?.announce(() => encodeAnnouncement(this.#announcement()))
    await this.#announce()
    this.#running = this.#run()
  }

  state(): readonly DiscoveryState[] {
    const { reason } = this.#init
    const name = 'ble discovery'
    if (this.#stop.signal.aborted) return [{ name, isUp: false, reason: 'It was closed.' }]
    return [reason === undefined ? { name, isUp: true } : { name, isUp: false, reason }]
  }

  refresh(): void {
    if (this.#stop.signal.aborted) return
    this.#pause.abort()
    // A ticket that was just made is to be found now, not after this scan.
    void this.#announce()
  }

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#pause.abort()
    this.#queue.clear()
    await this.#running
    this.#init.host?.announce(undefined)
    await this.#init.host?.rename(undefined)
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#announce()
      this.#init.central?.startScan((advert) => this.#hear(advert))
      await this.#wait(SCAN_MS, this.#stop.signal)
      // Whoever refreshes during a scan gets another one at once.
      this.#init.central?.stopScan()
      if (!this.#stop.signal.aborted) await this.#wait(PAUSE_MS, this.#pause.signal)
      if (!this.#stop.signal.aborted) this.#pause = new AbortController()
    }
  }

  async #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    await this.#init.clock.sleep(delayMs, { signal }).catch(() => undefined)
  }

  #announcement(): Announcement {
    const announcement = this.#options.announcement()
    this.#ownNonces.add(hex(announcement.nonce))
    if (this.#ownNonces.size > MAX_PERIPHERALS) this.#ownNonces.delete(this.#ownNonces.values().next().value as string)
    return announcement
  }

  /** Advertises what is announced now; whoever reads it a moment later may get something newer. */
  async #announce(): Promise<void> {
    this.#ownDigest = announcementDigest(encodeAnnouncement(this.#announcement()))
    await this.#init.host?.rename(this.#ownDigest)
  }

  #hear({ peripheral, name }: BleAdvert): void {
    const digest = digestOfName(name)
    if (this.#stop.signal.aborted || this.#isOwn(peripheral, digest)) return
    const known = this.#heard.get(peripheral)
    if (known !== undefined && !this.#isWorthReading(known, digest)) this.#tell(peripheral, known)
    else if (this.#queue.size < MAX_QUEUED) {
      this.#queue.set(peripheral, digest)
      void this.#readAll()
    }
  }

  /** With an adapter for each role a device hears itself. */
  #isOwn(peripheral: string, digest: string | undefined): boolean {
    const own = this.#init.host?.address
    if (own !== undefined && formatBleAddress(own) === formatBleAddress(peripheral)) return true
    return digest !== undefined && digest === this.#ownDigest
  }

  #isWorthReading(known: Heard, digest: string | undefined): boolean {
    if (known.announcement !== undefined && digest !== undefined) return known.digest !== digest
    // Addresses are others every few minutes, so that this is the only way to find it: each scan is another chance.
    const pauseMs = digest === undefined || known.announcement !== undefined ? REREAD_MS : RETRY_MS
    return this.#init.clock.monotonic() - known.readAt >= pauseMs
  }

  #tell(peripheral: string, { announcement }: Heard): void {
    if (announcement === undefined || this.#ownNonces.has(hex(announcement.nonce))) return
    const addresses = [formatBleAddress(peripheral)]
    this.#options.onSighting({ nonce: announcement.nonce, tags: announcement.tags, addresses, via: 'ble' })
  }

  /** One after the other: an adapter opens one connection at a time. */
  async #readAll(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    for (;;) {
      const next = this.#queue.entries().next()
      if (next.done === true) break
      const [peripheral, digest] = next.value
      const heard = { digest, announcement: await this.#read(peripheral), readAt: this.#init.clock.monotonic() }
      this.#queue.delete(peripheral)
      if (this.#stop.signal.aborted) break
      this.#heard.delete(peripheral)
      this.#heard.set(peripheral, heard)
      if (this.#heard.size > MAX_PERIPHERALS) this.#heard.delete(this.#heard.keys().next().value as string)
      this.#tell(peripheral, heard)
    }
    this.#isReading = false
  }

  async #read(peripheral: string): Promise<Announcement | undefined> {
    try {
      const value = await this.#init.links?.readAnnouncement(peripheral)
      return value && decodeAnnouncement(value)
    } catch (error) {
      this.#init.logger?.debug({ peripheral, error }, 'The announcement of a Bluetooth device could not be read.')
      return undefined
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
