import type { MetadataStore, TreeEntry } from '@dittofs/interface'
import { type HashName, hashName, type NameCookie, orderNames } from './name-cookies.ts'
import type { NodeTimes } from './node-times.ts'

/** Names of all listings that are kept. */
const MAX_NAMES = 200_000

interface Listing {
  /** What it was made of; another one means that it must be made anew. */
  readonly stamp: string
  readonly names: readonly NameCookie[]
  readonly cookies: ReadonlyMap<string, bigint>
}

/** The names of directories in the order of their cookies, kept for those that somebody is reading. */
export class Listings {
  readonly #metadata: MetadataStore
  readonly #times: NodeTimes
  readonly #hash: HashName
  /** By the directory's node; the one used last at the end. */
  readonly #listings = new Map<string, Listing>()
  #kept = 0

  constructor(metadata: MetadataStore, times: NodeTimes, hash: HashName = hashName) {
    this.#metadata = metadata
    this.#times = times
    this.#hash = hash
  }

  /** Up to `limit` entries behind a cookie. */
  page(directory: TreeEntry, after: bigint, limit: number) {
    const { names } = this.#listing(directory)
    const entries: { readonly entry: TreeEntry; readonly cookie: bigint }[] = []
    let at = firstAfter(names, after)
    for (; at < names.length && entries.length < limit; at++) {
      const { name, cookie } = names[at] as NameCookie
      const entry = this.#metadata.lookup(directory.path === '' ? name : `${directory.path}/${name}`)
      if (entry !== undefined) entries.push({ entry, cookie })
    }
    return { entries, isEnd: at === names.length }
  }

  #listing(directory: TreeEntry): Listing {
    const nodes = directory.nodes ?? [directory.node]
    const stamp = `${nodes.join()} ${this.#times.of(nodes).count} ${this.#times.generation}`
    const known = this.#listings.get(directory.node)
    this.#listings.delete(directory.node)
    if (known?.stamp === stamp) {
      this.#listings.set(directory.node, known)
      return known
    }
    this.#kept -= known?.names.length ?? 0
    const children = this.#metadata.children(directory.path) ?? []
    const names = orderNames(
      children.map(({ name }) => name),
      known?.cookies ?? new Map(),
      this.#hash,
    )
    const made = { stamp, names, cookies: new Map(names.map(({ name, cookie }) => [name, cookie])) }
    this.#listings.set(directory.node, made)
    this.#kept += names.length
    for (const [oldest, listing] of this.#listings) {
      if (this.#kept <= MAX_NAMES || listing === made) break
      this.#listings.delete(oldest)
      this.#kept -= listing.names.length
    }
    return made
  }
}

function firstAfter(names: readonly NameCookie[], after: bigint): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((names[middle] as NameCookie).cookie <= after) low = middle + 1
    else high = middle
  }
  return low
}
