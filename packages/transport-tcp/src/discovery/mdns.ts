import type { DiscoveryState } from '@dittofs/interface'
import { Bonjour, type Browser, type Service } from 'bonjour-service'
import { interfacesFingerprint, type NetworkInterfaces, onLinkChecker } from '../interfaces.ts'
import type { DiscoveryPart, DiscoveryPartInit } from './discovery-part.ts'
import { encodeTxt, MDNS_SERVICE_TYPE, sightingOf } from './mdns-record.ts'
import { MdnsSockets } from './mdns-sockets.ts'

/** The UDP port of multicast DNS (RFC 6762). */
export const MDNS_PORT = 5_353
/** Services the library may remember before it is made to forget them: it never does so by itself. */
const MAX_SERVICES = 256
/** Times between two queries at first (RFC 6762, section 5.2), and then for good: packets get lost. */
const FIRST_QUERY_DELAYS_MS: readonly number[] = [1_000, 3_000, 9_000, 27_000]
const QUERY_INTERVAL_MS = 60_000
/** A refresh makes everybody speak; more of them than this are one. */
const MIN_REFRESH_INTERVAL_MS = 2_000

/** Announces this device as a service of mDNS and DNS-SD, under names that are new each time, and hears others. */
export class Mdns implements DiscoveryPart {
  readonly #init: DiscoveryPartInit
  readonly #sockets: MdnsSockets
  readonly #stop = new AbortController()
  #isOnLink: (address: string) => boolean = () => false
  #bonjour: Bonjour | undefined
  #browser: Browser | undefined
  #service: Service | undefined
  /** Whatever publishes or withdraws, one after the other. */
  #publishing: Promise<void> = Promise.resolve()
  #interfaces = ''
  /** What the published service says. */
  #announced = ''
  #querying: Promise<void> | undefined
  #refreshedAt = Number.NEGATIVE_INFINITY

  constructor(init: DiscoveryPartInit) {
    this.#init = init
    this.#sockets = new MdnsSockets({ udpPort: init.udpPort, clock: init.clock, logger: init.logger })
  }

  state(): DiscoveryState {
    const name = 'mdns'
    const { problem } = this.#sockets
    return problem === undefined
      ? { name, isUp: true }
      : { name, isUp: false, reason: `UDP port ${this.#init.udpPort}: ${problem}.` }
  }

  async follow(interfaces: NetworkInterfaces): Promise<void> {
    this.#isOnLink = onLinkChecker(interfaces)
    await this.#sockets.follow(interfaces)
    if (this.#stop.signal.aborted) return
    this.#bonjour ??= this.#start()
    this.#interfaces = interfacesFingerprint(interfaces)
    if (this.#current() !== this.#announced) this.#publish()
  }

  refresh(): void {
    const now = this.#init.clock.monotonic()
    if (this.#bonjour === undefined || now - this.#refreshedAt < MIN_REFRESH_INTERVAL_MS) return
    this.#refreshedAt = now
    this.#browse()
    this.#publish()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#browser?.stop()
    await this.#querying
    this.#publishing = this.#publishing.then(() => this.#withdraw()).catch(() => undefined)
    await this.#publishing
    await new Promise<void>((resolve) => {
      if (this.#bonjour === undefined) this.#sockets.close(resolve)
      else this.#bonjour.destroy(resolve)
    })
  }

  #start(): Bonjour {
    // Sockets of our own: the library neither opens nor joins any. Its types do not tell what it passes on to mDNS.
    const settings = { socket: this.#sockets, bind: false, multicast: false, port: this.#init.udpPort }
    const bonjour = new Bonjour(settings, (error: unknown) =>
      this.#init.logger?.debug({ error }, 'An mDNS answer could not be sent.'),
    )
    this.#bonjour = bonjour
    this.#browse()
    this.#querying = this.#query()
    return bonjour
  }

  /** Listens anew, with nothing remembered, and asks who is there. */
  #browse(): void {
    this.#browser?.stop()
    const browser = this.#bonjour?.find({ type: MDNS_SERVICE_TYPE })
    this.#browser = browser
    const onFound = (service: Service) => {
      if (browser === this.#browser) this.#found(service)
    }
    browser?.on('up', onFound)
    browser?.on('txt-update', onFound)
    browser?.on('srv-update', onFound)
  }

  #found(service: Service): void {
    const sighting = sightingOf(service, this.#isOnLink)
    if (sighting !== undefined && !this.#init.isOwn(sighting.nonce)) this.#init.onSighting(sighting)
    if ((this.#browser?.services.length ?? 0) > MAX_SERVICES) this.#browse()
  }

  async #query(): Promise<void> {
    try {
      for (let asked = 0; ; asked++) {
        const delayMs = FIRST_QUERY_DELAYS_MS[asked] ?? QUERY_INTERVAL_MS
        await this.#init.clock.sleep(delayMs, { signal: this.#stop.signal })
        this.#browser?.update()
      }
    } catch {
      // Closed.
    }
  }

  #current(): string {
    return JSON.stringify([encodeTxt(this.#init.announcement()), this.#interfaces])
  }

  #publish(): void {
    this.#announced = this.#current()
    this.#publishing = this.#publishing
      .then(async () => {
        await this.#withdraw()
        if (this.#stop.signal.aborted) return
        this.#service = this.#bonjour?.publish({
          name: this.#randomName(),
          // Without it the library announces the machine's own name.
          host: `${this.#randomName()}.local`,
          type: MDNS_SERVICE_TYPE,
          port: this.#init.port,
          txt: encodeTxt(this.#init.announcement()),
          // A random name is taken by nobody, and asking for it would be one more thing to answer.
          probe: false,
        })
      })
      .catch((error: unknown) => {
        // The library reads the interfaces by itself, which some systems do not allow.
        this.#init.logger?.debug({ error }, 'The mDNS library could not announce this device.')
      })
  }

  /** Before the next is published: the library drops every pointer to the service type along with this one. */
  async #withdraw(): Promise<void> {
    const service = this.#service
    this.#service = undefined
    if (service === undefined) return
    await new Promise<void>((resolve) => {
      const stop = service.stop as (callback: () => void) => void
      stop(() => resolve())
    })
  }

  #randomName(): string {
    return Buffer.from(this.#init.randomBytes(8)).toString('hex')
  }
}
