import type { MetadataStore, NodeId, TreeEntry } from '@dittofs/interface'
import {
  firstFrom,
  type HashName,
  hashName,
  type NameOrder,
  NO_NAMES,
  orderNames,
  reorderNames,
} from './name-cookies.ts'
import type { NodeTimes } from './node-times.ts'
import { inSlices } from './slices.ts'

/** Listings that are kept, and names of all of them. */
const MAX_LISTINGS = 256
const MAX_NAMES = 200_000
/** Names that came or went and are looked at one by one: with more, all are. */
const MAX_CHANGED = 2000
/** How often a listing is made before what it shows is taken, though the directory changes all the time. */
const MAX_ATTEMPTS = 4

/** Entries of one page at most, so that a page takes no more than a few milliseconds. */
export const MAX_PAGE_ENTRIES = 500

export type ListingMetadata = Pick<MetadataStore, 'names' | 'copyNames' | 'entriesAt'>

interface Listing {
  /** What the directory was made of, and what was known beyond it: others mean that the listing must be made anew. */
  readonly stamp: string
  /** Whether it has conflict copies, whose names may change with those of others. */
  hasCopies: boolean
  order: NameOrder
  /** Names that came or went since; `undefined`: any may have. */
  changed: Set<string> | undefined
  making: Promise<void> | undefined
}

/** Some entries of a directory in the order of their cookies. */
export interface ListingPage {
  readonly entries: readonly { readonly entry: TreeEntry; readonly cookie: bigint }[]
  /** Where the next page begins: also behind names that went while this one was made. */
  readonly next: bigint
  readonly isEnd: boolean
}

/**
 * The names of directories in the order of their cookies, kept for those that somebody is reading, and kept up to date name
 * by name where that is enough. A large directory is read in slices.
 */
export class Listings {
  readonly #metadata: ListingMetadata
  readonly #times: NodeTimes
  readonly #hash: HashName
  /** By the directory's node; the one used last at the end. */
  readonly #listings = new Map<NodeId, Listing>()

  constructor(metadata: ListingMetadata, times: NodeTimes, hash: HashName = hashName) {
    this.#metadata = metadata
    this.#times = times
    this.#hash = hash
    times.onNames((directory, name) => this.#note(directory, name))
  }

  /**
   * Up to `limit` entries behind a cookie, at most {@link MAX_PAGE_ENTRIES}.
   *
   * @param find - the directory as it is shown when it is called; may throw
   */
  async page(find: () => TreeEntry, after: bigint, limit: number): Promise<ListingPage> {
    const { names } = (await this.#upToDate(find)).order
    const start = firstFrom(names, after + 1n)
    const end = Math.min(names.length, start + Math.min(limit, MAX_PAGE_ENTRIES))
    const asked = names.slice(start, end)
    const found = this.#metadata.entriesAt(
      find().path,
      asked.map(({ name }) => name),
    )
    const entries = asked.flatMap(({ cookie }, index) => {
      const entry = found[index]
      return entry === undefined ? [] : [{ entry, cookie }]
    })
    return { entries, next: asked.at(-1)?.cookie ?? after, isEnd: end === names.length }
  }

  async #upToDate(find: () => TreeEntry): Promise<Listing> {
    for (let attempt = 1; ; attempt++) {
      const directory = find()
      const stamp = this.#stampOf(directory)
      const known = this.#listings.get(directory.node)
      const isOld = known === undefined || known.stamp !== stamp || known.changed === undefined
      if (!isOld && known.making === undefined && (known.changed?.size === 0 || attempt > MAX_ATTEMPTS)) {
        this.#use(directory.node, known)
        return known
      }
      if (known?.making !== undefined) await known.making
      else if (isOld) {
        const made = await this.#make(directory, stamp, known?.order ?? NO_NAMES)
        if (attempt >= MAX_ATTEMPTS) return made
      } else await this.#update(directory, known)
    }
  }

  #stampOf(directory: TreeEntry): string {
    return `${(directory.nodes ?? [directory.node]).join()} ${this.#times.generation}`
  }

  async #make(directory: TreeEntry, stamp: string, before: NameOrder): Promise<Listing> {
    const { path, node } = directory
    const listing: Listing = {
      stamp,
      hasCopies: true,
      order: NO_NAMES,
      changed: new Set(),
      making: undefined,
    }
    const make = async (): Promise<void> => {
      const names: string[] = []
      for await (const batch of this.#metadata.names(path)) names.push(...batch)
      // Behind the names: a directory that was not read yet is read for them in slices.
      const copies = this.#metadata.copyNames(path)
      listing.hasCopies = copies.length > 0 || (directory.nodes ?? []).length > 1
      names.push(...copies)
      listing.order = await inSlices(orderNames(names, before, this.#hash))
    }
    // Known from now on, so that it hears of names that come and go while it is made.
    this.#listings.set(node, listing)
    await this.#run(listing, make)
    return listing
  }

  /** Looks again at the names that came or went. */
  async #update({ path }: TreeEntry, listing: Listing): Promise<void> {
    const changed = [...(listing.changed ?? [])]
    listing.changed = new Set()
    await this.#run(listing, async () => {
      const isSimple = !listing.hasCopies && this.#metadata.copyNames(path).length === 0
      const entries = isSimple ? this.#metadata.entriesAt(path, changed) : []
      const isThere = new Map(changed.map((name, index) => [name, entries[index] !== undefined]))
      const order = isSimple ? await inSlices(reorderNames(listing.order, isThere, this.#hash)) : undefined
      if (order === undefined) listing.changed = undefined
      else listing.order = order
    })
  }

  async #run(listing: Listing, work: () => Promise<void>): Promise<void> {
    const making = work()
      .catch((error: unknown) => {
        listing.changed = undefined
        throw error
      })
      .finally(() => {
        listing.making = undefined
      })
    listing.making = making
    await making
  }

  #note(directory: NodeId, name: string | undefined): void {
    const listing = this.#listings.get(directory)
    if (listing?.changed === undefined) return
    if (name === undefined || listing.changed.size === MAX_CHANGED) listing.changed = undefined
    else listing.changed.add(name)
  }

  #use(node: NodeId, used: Listing): void {
    this.#listings.delete(node)
    this.#listings.set(node, used)
    let kept = 0
    for (const { order } of this.#listings.values()) kept += order.names.length
    for (const [oldest, listing] of this.#listings) {
      if ((kept <= MAX_NAMES && this.#listings.size <= MAX_LISTINGS) || listing === used) break
      this.#listings.delete(oldest)
      kept -= listing.order.names.length
    }
  }
}
