import { type Clock, type DeviceKey, DittoError, type Link } from '@dittofs/interface'
import { chooseLink } from './link-choice.ts'

/** How long a peer has to drop a link again that it dialled without knowing whom. */
const REPLACE_GRACE_MS = 2_000

interface Entry {
  readonly link: Link
  readonly openedAt: number
}

export interface LinkTableInit {
  self: DeviceKey
  clock: Clock
  /** Gets each link that is to be used, once. */
  onLink: (link: Link) => void
  /** A link that had been handed out is gone, and no other to the device over that transport is left. */
  onLost: (link: Link, livedMs: number) => void
}

/** The links in use: at most one to each device over each transport. */
export class LinkTable {
  readonly #init: LinkTableInit
  readonly #links = new Map<string, Entry>()
  /** Links being held back until it is clear that their dialler wants them. */
  readonly #candidates = new Set<Link>()

  constructor(init: LinkTableInit) {
    this.#init = init
  }

  isConnected(device: DeviceKey): boolean {
    return this.transports(device).length > 0
  }

  /** The transports of the links to a device. */
  transports(device: DeviceKey): readonly string[] {
    return [...this.#links.values()].filter(({ link }) => link.peer === device).map(({ link }) => link.transport)
  }

  /** Takes a link that was opened just now: hands it out, or closes it because there is a better one. */
  add(link: Link): void {
    // A ticket's holder is no member yet: that link is for pairing and stands beside all others.
    if (link.match.kind === 'ticket') {
      this.#init.onLink(link)
      return
    }
    const newer: Entry = { link, openedAt: this.#init.clock.monotonic() }
    const older = this.#links.get(keyOf(link))
    if (older === undefined) {
      this.#use(newer)
      return
    }
    const choice = chooseLink({
      self: this.#init.self,
      peer: link.peer,
      older: { isInitiator: older.link.isInitiator, openedAt: older.openedAt },
      newer: { isInitiator: link.isInitiator, openedAt: newer.openedAt },
    })
    if (choice === 'older') void link.close()
    else if (choice === 'newer') this.#replace(newer)
    else void this.#replaceIfItLasts(newer)
  }

  /** Ends every link to a device at once. */
  drop(device: DeviceKey, reason: Error): void {
    for (const { link } of [...this.#links.values()]) if (link.peer === device) link.abort(reason)
    for (const link of [...this.#candidates]) if (link.peer === device) link.abort(reason)
  }

  /** Closes all links. */
  async close(): Promise<void> {
    const links = [...[...this.#links.values()].map(({ link }) => link), ...this.#candidates]
    await Promise.all(links.map((link) => link.close()))
  }

  #use(entry: Entry): void {
    const { link, openedAt } = entry
    const key = keyOf(link)
    this.#links.set(key, entry)
    void link.closed.then(() => {
      if (this.#links.get(key) !== entry) return
      this.#links.delete(key)
      this.#init.onLost(link, this.#init.clock.monotonic() - openedAt)
    })
    this.#init.onLink(link)
  }

  #replace(newer: Entry): void {
    const older = this.#links.get(keyOf(newer.link))
    this.#use(newer)
    older?.link.abort(new DittoError('DITTO_LINK_CUT', 'The other device has connected anew.'))
  }

  async #replaceIfItLasts(newer: Entry): Promise<void> {
    const { link } = newer
    this.#candidates.add(link)
    const stop = new AbortController()
    const outcome = await Promise.race([
      link.closed.then(() => 'closed'),
      this.#init.clock.sleep(REPLACE_GRACE_MS, { signal: stop.signal }).then(
        () => 'lasted',
        () => 'closed',
      ),
    ])
    stop.abort()
    this.#candidates.delete(link)
    if (outcome === 'lasted') this.#replace(newer)
  }
}

function keyOf(link: Link): string {
  return `${link.transport} ${link.peer}`
}
