import {
  type Address,
  type Clock,
  type DeviceKey,
  DittoError,
  isDittoError,
  type Link,
  type Sighting,
} from '@dittofs/interface'
import { type KnockKey, matchFindTags } from '@dittofs/link'
import { FirstOf } from './first-of.ts'

/** Beacons come every 5 s at first: three of them, and the time to dial. */
export const DEFAULT_TICKET_TIMEOUT_MS = 20_000
/** Dials for one ticket: its own 8 addresses, and what announces its tag, which anybody may repeat. */
const MAX_ATTEMPTS = 64
/** Whoever answers may be crowded by strangers and drop one by chance; that looks like a knock refused. */
const TRIES = 3
const RETRY_DELAY_MS = 500

export interface TicketDial {
  /** The addresses in the ticket. */
  addresses: readonly Address[]
  /** Derived from the ticket's secret for `knock`, and for `find`. */
  knockKey: KnockKey
  findKey: Uint8Array
  /** The inviter, as the ticket names it. */
  expected: DeviceKey
  /** Milliseconds to look for the inviter. */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface TicketDialPorts {
  clock: Clock
  /** Dials one address and opens the link. */
  connect: (address: Address, signal: AbortSignal) => Promise<Link>
  /** Calls back with every announcement heard lately, and with each that is heard from now on. */
  listen: (onSighting: (sighting: Sighting) => void) => () => void
  /** Whether anything listens for announcements at all. */
  canHear: () => boolean
}

/**
 * Looks for the device that made a ticket: at the ticket's addresses, and wherever its tag is announced.
 *
 * @returns a link to exactly that device, the caller's to close
 * @throws DittoError DITTO_PEER_UNREACHABLE, with what was tried in `details.reasons`
 */
export async function dialTicket(ports: TicketDialPorts, options: TicketDial): Promise<Link> {
  const { signal, timeoutMs = DEFAULT_TICKET_TIMEOUT_MS } = options
  signal?.throwIfAborted()
  const search = new FirstOf<Link>((late) => void late.close())
  const running = new Set<Address>()
  let attempts = 0
  const attempt = (address: Address) => {
    if (running.has(address) || attempts >= MAX_ATTEMPTS) return
    attempts++
    running.add(address)
    void search
      .start(address, (stop) => connectPatiently(ports, address, stop))
      .then(() => {
        running.delete(address)
      })
  }
  const onAbort = () => search.stop()
  signal?.addEventListener('abort', onAbort, { once: true })
  const stopListening = ports.listen(({ nonce, tags, addresses }) => {
    if (matchFindTags([options.findKey], nonce, tags).length > 0) addresses.forEach(attempt)
  })
  try {
    for (const address of options.addresses) attempt(address)
    if (ports.canHear()) await waitForEnd(ports.clock, timeoutMs, search)
    else await search.settled()
  } finally {
    search.stop()
    stopListening()
    signal?.removeEventListener('abort', onAbort)
  }
  if (search.winner !== undefined) {
    if (!signal?.aborted) return search.winner.result
    void search.winner.result.close()
  }
  signal?.throwIfAborted()
  throw unreachable(search.failures)
}

async function connectPatiently(ports: TicketDialPorts, address: Address, signal: AbortSignal): Promise<Link> {
  for (let tries = 1; ; tries++) {
    try {
      return await ports.connect(address, signal)
    } catch (error) {
      const wasDropped = isDittoError(error, 'DITTO_LINK_CUT') || isDittoError(error, 'DITTO_KNOCK_REFUSED')
      if (tries === TRIES || !wasDropped) throw error
    }
    await ports.clock.sleep(RETRY_DELAY_MS, { signal })
  }
}

async function waitForEnd(clock: Clock, timeoutMs: number, search: FirstOf<Link>): Promise<void> {
  try {
    await clock.sleep(timeoutMs, { signal: search.signal })
  } catch {
    // Found, or called off.
  }
}

function unreachable(failures: ReadonlyMap<string, unknown>): DittoError {
  const reasons = [...failures].map(([address, error]) => {
    const message = error instanceof Error ? error.message : String(error)
    return message.includes(address) ? message : `${address}: ${message}`
  })
  const tried = reasons.length === 0 ? 'The ticket names no address, and nobody announced it.' : reasons.join(' ')
  return new DittoError(
    'DITTO_PEER_UNREACHABLE',
    `The device that made the ticket was not found: see that it runs and that both are on one network. ${tried}`,
    { details: { reasons } },
  )
}
