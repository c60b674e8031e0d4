import { type Clock, type DeviceKey, DittoError, type Link } from '@dittofs/interface'
import { chooseLink } from './link-choice.ts'

/** How long a peer has to drop a link again that it dialled without knowing whom. */
const REPLACE_GRACE_MS = 2_000

interface Entry {
  readonly link: Link
  /** Counts up: which of two was opened first, also where the clock does not tell. */
  readonly number: number
  readonly openedAt: number
}

export interface LinkTableInit {
  self: DeviceKey
  clock: Clock
  /** Gets each link that is to be used, once. */
  onLink: (link: Link) => void
  /** Whether the peer still answers over a link that was handed out; never rejects. */
  isAlive: (link: Link) => Promise<boolean>
  /** A link that had been handed out is gone, and no other to the device over that transport is left. */
  onLost: (link: Link, livedMs: number) => void
}

/** The links in use: at most one to each device over each transport. */
export class LinkTable {
  readonly #init: LinkTableInit
  readonly #links = new Map<string, Entry>()
  /** Links held back until it is clear which of two is alive and wanted. */
  readonly #candidates = new Set<Entry>()
  #count = 0

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
    this.#settle({ link, number: this.#count++, openedAt: this.#init.clock.monotonic() })
  }

  /** Ends every link to a device at once. */
  drop(device: DeviceKey, reason: Error): void {
    // Candidates first: none may take the place of a link that goes.
    for (const { link } of this.#takeCandidates((entry) => entry.link.peer === device)) link.abort(reason)
    for (const { link } of [...this.#links.values()]) if (link.peer === device) link.abort(reason)
  }

  /** Closes all links. */
  async close(): Promise<void> {
    const entries = [...this.#takeCandidates(() => true), ...this.#links.values()]
    await Promise.all(entries.map(({ link }) => link.close()))
  }

  #settle(newer: Entry): void {
    const older = this.#links.get(keyOf(newer.link))
    if (older === undefined) {
      this.#use(newer)
      return
    }
    const choice = chooseLink({
      self: this.#init.self,
      peer: newer.link.peer,
      older: { isInitiator: older.link.isInitiator, openedAt: older.openedAt },
      newer: { isInitiator: newer.link.isInitiator, openedAt: newer.openedAt },
    })
    if (choice === 'newer') this.#replace(newer)
    else void this.#hold(newer, older, choice)
  }

  #use(entry: Entry): void {
    const { link, openedAt } = entry
    const key = keyOf(link)
    this.#links.set(key, entry)
    void link.closed.then(() => {
      if (this.#links.get(key) !== entry) return
      this.#links.delete(key)
      // What was held back in favour of this one is the best there is now.
      const heir = [...this.#candidates].findLast((candidate) => keyOf(candidate.link) === key)
      if (heir === undefined) this.#init.onLost(link, this.#init.clock.monotonic() - openedAt)
      else {
        this.#candidates.delete(heir)
        this.#use(heir)
      }
    })
    this.#init.onLink(link)
  }

  #replace(newer: Entry): void {
    const older = this.#links.get(keyOf(newer.link))
    this.#use(newer)
    older?.link.abort(new DittoError('DITTO_LINK_CUT', 'The other device has connected anew.'))
  }

  async #hold(newer: Entry, older: Entry, choice: 'newer-if-it-lasts' | 'older-if-it-lives'): Promise<void> {
    const { link } = newer
    this.#candidates.add(newer)
    const stop = new AbortController()
    const outcome = await Promise.race([
      link.closed.then(() => 'gone' as const),
      choice === 'older-if-it-lives'
        ? this.#init.isAlive(older.link).then((isAlive) => (isAlive ? 'older' : 'newer'))
        : this.#init.clock.sleep(REPLACE_GRACE_MS, { signal: stop.signal }).then(
            () => 'newer' as const,
            () => 'gone' as const,
          ),
    ])
    stop.abort()
    // Otherwise it has been put to use meanwhile, or everything is ending.
    if (!this.#candidates.delete(newer) || outcome === 'gone') return
    const current = this.#links.get(keyOf(link))
    if (outcome === 'newer' && current === older) this.#replace(newer)
    // Another took the place of the older one: of two that may be dead, the one opened first is it more likely.
    else if (outcome === 'newer' && (current?.number ?? -1) < newer.number) this.#settle(newer)
    else void link.close()
  }

  #takeCandidates(isWanted: (candidate: Entry) => boolean): readonly Entry[] {
    const taken = [...this.#candidates].filter(isWanted)
    for (const candidate of taken) this.#candidates.delete(candidate)
    return taken
  }
}

function keyOf(link: Link): string {
  return `${link.transport} ${link.peer}`
}
