import type { MetadataChange, NodeEvent, NodeId } from '@dittofs/interface'

/** Nodes whose last change is remembered. */
const MAX_NODES = 32_768

/** Is told of a directory under which name something came or went; without a name: it may be any. */
export type NamesListener = (directory: NodeId, name: string | undefined) => void

/** What this process saw change of a node. */
export interface NodeTime {
  /** Grows with each change of the node's place, attributes or, of a directory, of what is in it. */
  readonly count: number
  readonly changedNs: bigint
  /** When a name in it came or went, since its own time was last set. */
  readonly childrenNs: bigint | undefined
}

/** Changed in place: a directory changes with every name in it. */
type Changing = { -readonly [Key in keyof NodeTime]: NodeTime[Key] }

/**
 * When nodes last changed, as far as this process saw it. The document keeps no such times: they would be a change of
 * their own for each change.
 */
export class NodeTimes {
  readonly #nowNs: () => bigint
  readonly #times = new Map<NodeId, Changing>()
  /** Files that this volume gives a version just now. */
  readonly #ownEdits = new Set<NodeId>()
  #count = 0
  /** Of what is not remembered. */
  #floor = 0
  #generation = 0
  #tellNames: NamesListener = () => undefined

  constructor(nowNs: () => bigint) {
    this.#nowNs = nowNs
  }

  /** Other after each change that may change listings beyond the directories it names. */
  get generation(): number {
    return this.#generation
  }

  /** Has the one who keeps listings told of what changes in them, unless the generation does. */
  onNames(listener: NamesListener): void {
    this.#tellNames = listener
  }

  of(nodes: readonly NodeId[]): NodeTime {
    let found: NodeTime = { count: this.#floor, changedNs: 0n, childrenNs: undefined }
    for (const node of nodes) {
      const time = this.#times.get(node)
      if (time !== undefined && time.count > found.count) found = time
    }
    return found
  }

  take({ events, isLocal }: MetadataChange): void {
    if (events === undefined) {
      this.#floor = ++this.#count
      this.#times.clear()
      this.#generation++
      return
    }
    // What others did may delete, revive or merge directories from above; own calls are told where they do.
    if (!isLocal) this.#generation++
    for (const event of events) this.#takeEvent(event, isLocal)
  }

  /** Runs an edit of a file by the volume itself: what it changes beyond the file, the volume tells. */
  async editing<T>(node: NodeId, work: () => Promise<T>): Promise<T> {
    this.#ownEdits.add(node)
    try {
      return await work()
    } finally {
      this.#ownEdits.delete(node)
    }
  }

  /** More may have changed than events name: a whole tree came or went. */
  treeChanged(): void {
    this.#generation++
  }

  /** The directory's own time was set: it shows until the next name comes or goes. */
  timeSet(node: NodeId): void {
    this.#set(node, this.#nowNs(), undefined)
  }

  /** @param name - the only one in the directory that may have come or gone */
  childrenChanged(node: NodeId, name?: string): void {
    this.#nameChanged(node, name, this.#nowNs())
  }

  #takeEvent(event: NodeEvent, isLocal: boolean): void {
    const { node, kind, placeBefore, placeAfter, replaced } = event
    const nowNs = this.#nowNs()
    this.#set(node, nowNs, kind === 'version' ? undefined : this.#times.get(node)?.childrenNs)
    if (kind !== 'version') this.#tellNames(node, undefined)
    // A version by itself changes no listing, unless it is the first, or may stand beside others.
    if (kind === 'version' && isLocal && replaced.length > 0 && this.#ownEdits.has(node)) return
    if (placeBefore !== undefined) this.#nameChanged(placeBefore.parent, placeBefore.name, nowNs)
    if (placeAfter === undefined) return
    if (placeAfter.parent !== placeBefore?.parent) this.#nameChanged(placeAfter.parent, placeAfter.name, nowNs)
    else this.#tellNames(placeAfter.parent, placeAfter.name)
  }

  #nameChanged(directory: NodeId, name: string | undefined, nowNs: bigint): void {
    this.#set(directory, nowNs, nowNs)
    this.#tellNames(directory, name)
  }

  #set(node: NodeId, changedNs: bigint, childrenNs: bigint | undefined): void {
    const count = ++this.#count
    const known = this.#times.get(node)
    if (known !== undefined) {
      known.count = count
      known.changedNs = changedNs
      known.childrenNs = childrenNs
      return
    }
    this.#times.set(node, { count, changedNs, childrenNs })
    if (this.#times.size > MAX_NODES) this.#forgetSome()
  }

  /** Forgets the half that has not changed for longest: many at a time, for each look through all of them takes a while. */
  #forgetSome(): void {
    const counts = Float64Array.from(this.#times.values(), ({ count }) => count).sort()
    this.#floor = counts[counts.length >> 1] as number
    for (const [node, { count }] of this.#times) if (count <= this.#floor) this.#times.delete(node)
  }
}
