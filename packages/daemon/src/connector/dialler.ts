import { setMaxListeners } from 'node:events'
import {
  type Address,
  type Clock,
  compareLinks,
  type DeviceKey,
  DittoError,
  isDittoError,
  type Link,
  type RankedTransport,
  rankedTransport,
  type Transport,
} from '@dittofs/interface'
import { type KnockKey, MAX_OFFERED_KEYS } from '@dittofs/link'
import { planDials } from './dial-plan.ts'
import { type DialTable, type KnownTarget, transportOf } from './dial-table.ts'
import { FirstOf } from './first-of.ts'

/** A device's next address is tried without waiting for the first to fail. */
const STAGGER_MS = 250

export interface DiallerInit {
  transports: ReadonlyMap<string, Transport>
  table: DialTable
  clock: Clock
  /** Names of the transports by which a device is connected. */
  connectedBy: (device: DeviceKey) => readonly string[]
  /** The secrets of spaces that may be shared with somebody. */
  knockKeys: () => readonly KnockKey[]
  /** Opens a link over a connection to a member of any of the spaces. */
  connect: (address: Address, knockKeys: readonly KnockKey[], signal: AbortSignal) => Promise<Link>
  /** Gets each link, with the target it was dialled for. */
  onLink: (link: Link, target: string, address: Address) => void
}

/** Dials what {@link planDials} decides, until it is stopped. */
export class Dialler {
  readonly #init: DiallerInit
  readonly #tasks = new Set<Promise<void>>()
  /** Aborted when there is reason to plan anew. */
  #news = new AbortController()

  constructor(init: DiallerInit) {
    this.#init = init
  }

  /** Whether a connection is being opened to anybody. */
  get isDialing(): boolean {
    return [...this.#init.table.targets()].some((target) => target.isDialing)
  }

  /** There may be somebody to dial, or not any more. */
  plan(): void {
    this.#news.abort()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { table, clock } = this.#init
    // One for each connection that is being opened: the plan limits them.
    setMaxListeners(0, signal)
    while (!signal.aborted) {
      this.#news = new AbortController()
      const state = {
        targets: table.targets(),
        bestLink: (device: DeviceKey) => this.#bestLink(device),
        transport: (name: string) => this.#transport(name),
      }
      const plan = planDials(state, clock.monotonic())
      for (const id of plan.dial) this.#track(this.#dial(table.get(id)!, signal))
      await this.#untilNews(plan.wakeAt, signal)
    }
    await Promise.all(this.#tasks)
  }

  #bestLink(device: DeviceKey): RankedTransport | undefined {
    const up = this.#init.connectedBy(device).map((name) => this.#ranked(name))
    return up.sort(compareLinks)[0]
  }

  #transport(name: string): RankedTransport | undefined {
    return this.#init.transports.get(name)?.capabilities.canDial === true ? this.#ranked(name) : undefined
  }

  #ranked(name: string): RankedTransport {
    return rankedTransport(name, this.#init.transports.get(name)?.capabilities)
  }

  async #untilNews(wakeAt: number | undefined, stop: AbortSignal): Promise<void> {
    const { clock } = this.#init
    const { signal } = this.#news
    if (stop.aborted || signal.aborted) return
    if (wakeAt === undefined) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      return
    }
    try {
      await clock.sleep(Math.max(wakeAt - clock.monotonic(), 0), { signal })
    } catch {
      // There is news.
    }
  }

  async #dial(target: KnownTarget, stop: AbortSignal): Promise<void> {
    const { table, clock } = this.#init
    table.began(target, clock.monotonic())
    const attempts = new FirstOf<readonly [Address, Link]>(([, late]) => void late.close())
    const onStop = () => attempts.stop()
    stop.addEventListener('abort', onStop, { once: true })
    const knockKeys = this.#offeredTo(target)
    for (const address of target.addresses) {
      if (attempts.signal.aborted) break
      const ended = attempts.start(address, async (signal) => [
        address,
        await this.#init.connect(address, knockKeys, signal),
      ])
      await this.#stagger(ended)
    }
    await attempts.settled()
    stop.removeEventListener('abort', onStop)
    const success = attempts.winner?.result
    const now = clock.monotonic()
    if (success === undefined) table.failed(target.id, problemIn(attempts.failures), now)
    else {
      const [address, link] = success
      table.succeeded(target.id, address, link.peer, now)
      this.#init.onLink(link, target.id, address)
    }
    this.plan()
  }

  /** Resolves when an attempt has ended, or has taken long enough for the next one to begin beside it. */
  async #stagger(ended: Promise<void>): Promise<void> {
    const timer = new AbortController()
    const waited = this.#init.clock.sleep(STAGGER_MS, { signal: timer.signal }).catch(() => undefined)
    await Promise.race([ended, waited])
    timer.abort()
  }

  /** The keys of the spaces in question, others each time where there are more than a knock can carry. */
  #offeredTo({ spaces, failures }: KnownTarget): readonly KnockKey[] {
    const keys = this.#init
      .knockKeys()
      .filter(({ match }) => match.kind === 'space' && (spaces === undefined || spaces.includes(match.name)))
    if (keys.length <= MAX_OFFERED_KEYS) return keys
    const start = (failures * MAX_OFFERED_KEYS) % keys.length
    return [...keys.slice(start), ...keys.slice(0, start)].slice(0, MAX_OFFERED_KEYS)
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }
}

/** The transport that an address belongs to. @throws DittoError DITTO_UNSUPPORTED */
export function transportFor(transports: ReadonlyMap<string, Transport>, address: Address): Transport {
  const transport = transports.get(transportOf(address))
  if (transport !== undefined) return transport
  throw new DittoError('DITTO_UNSUPPORTED', `This device has no transport for ${address}.`)
}

/** Somebody who answered and was the wrong one says more than a place where nobody is. */
function problemIn(failures: ReadonlyMap<string, unknown>): string {
  const errors = [...failures.values()]
  const telling = errors.find((error) => !isDittoError(error, 'DITTO_PEER_UNREACHABLE')) ?? errors[0]
  if (telling === undefined) return 'The attempt was called off.'
  return telling instanceof Error ? telling.message : 'The attempt failed.'
}
