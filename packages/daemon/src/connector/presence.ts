import {
  type Announcement,
  type Discovery,
  type IncomingDuplex,
  isDittoError,
  type LinkState,
  type Listener,
  type Sighting,
  type Transport,
} from '@dittofs/interface'

export interface PresenceInit {
  /** Where to listen, on transports that can; nowhere when absent. */
  listen: { port: number; host?: string } | undefined
  announcement: () => Announcement
  onConnection: (transport: Transport, incoming: IncomingDuplex) => void
  onSighting: (sighting: Sighting) => void
  /** Ends what is about to begin. */
  signal: AbortSignal
}

/** Where this device can be reached, and where it announces that and hears others. */
export class Presence {
  readonly #init: PresenceInit
  readonly #listeners = new Map<string, Listener>()
  readonly #discoveries: Discovery[] = []
  readonly #unavailable: LinkState[] = []

  constructor(init: PresenceInit) {
    this.#init = init
  }

  /** By the name of the transport. */
  get listeners(): ReadonlyMap<string, Listener> {
    return this.#listeners
  }

  /** Whether announcements can be heard anywhere now. */
  get canHear(): boolean {
    return this.#discoveries.some((discovery) => discovery.state().some(({ isUp }) => isUp))
  }

  /** Transports, and means of discovery: up, or down and why. */
  states(): readonly LinkState[] {
    const listening = [...this.#listeners].map(([name, listener]): LinkState => {
      const addresses = listener.addresses()
      const isUp = addresses.length > 0 || listener.problem === undefined
      return { name, isUp, ...(isUp ? { addresses } : { reason: listener.problem?.() ?? '' }) }
    })
    return [...listening, ...this.#unavailable, ...this.#discoveries.flatMap((discovery) => discovery.state())]
  }

  /** Announces, and asks who is there. */
  refresh(): void {
    for (const discovery of this.#discoveries) discovery.refresh()
  }

  /** @throws DittoError DITTO_PORT_IN_USE, DITTO_PERMISSION, DITTO_USAGE, DITTO_IO */
  async listen(transport: Transport): Promise<void> {
    const { listen, onConnection, signal } = this.#init
    if (listen === undefined || !transport.capabilities.canListen) return
    try {
      const listener = await transport.listen({
        ...listen,
        onConnection: (incoming) => onConnection(transport, incoming),
        signal,
      })
      this.#listeners.set(transport.name, listener)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_UNSUPPORTED')) throw error
      this.#unavailable.push({ name: transport.name, isUp: false, reason: error.message })
    }
  }

  /** After it listens: what is announced is where. */
  async discover(transport: Transport): Promise<void> {
    const { listen, announcement, onSighting, signal } = this.#init
    const { canDiscover, hasNoPorts } = transport.capabilities
    const [address] = this.#listeners.get(transport.name)?.addresses() ?? []
    const port = hasNoPorts === true ? 0 : Number(/:(\d+)$/.exec(address ?? '')?.[1])
    if (listen === undefined || !canDiscover || Number.isNaN(port)) return
    try {
      this.#discoveries.push(await transport.discover({ port, announcement, onSighting, signal }))
    } catch (error) {
      signal.throwIfAborted()
      const reason = error instanceof Error ? error.message : String(error)
      this.#unavailable.push({ name: `${transport.name} discovery`, isUp: false, reason })
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#discoveries.map((discovery) => discovery.close()))
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()))
  }
}
