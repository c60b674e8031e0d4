import type { NodeEvent, NodeId, NodePlace, VersionId } from '@dittofs/interface'
import { unpackContent } from './content-codec.ts'
import type { Writer } from './event.ts'
import { standingPath } from './find-node.ts'
import { kindOfNode, ROOT_ID } from './node-id.ts'
import type { Placement } from './node-state.ts'
import type { DeleteRecord, StateRecord, VersionPart } from './record.ts'
import type { LogEntry } from './space-index.ts'
import type { TreeView } from './tree-view.ts'
import { versionId } from './version-id.ts'
import { covers, type VersionVector } from './version-vector.ts'

/** Events told with one change; more are told as "much changed". */
const MAX_EVENTS = 10_000
/** Events made before others get a turn. */
const EVENTS_PER_STEP = 100

/** A node as it stood when its first record of the change came. */
interface Before {
  readonly path: string | undefined
  readonly place: NodePlace | undefined
  /** What each writer's newest record says, this change's included. */
  readonly versions: Map<Writer, VersionPart>
  readonly placements: Map<Writer, number>
}

type EventPart = Pick<NodeEvent, 'node' | 'kind' | 't' | 'version' | 'content' | 'replaced' | 'seen'> & {
  readonly writer: Writer
}

/** Collects what the records of one change say, as they come. */
export class NodeEvents {
  readonly #view: TreeView
  readonly #before = new Map<NodeId, Before>()
  readonly #events: EventPart[] = []
  #isMore = false

  constructor(view: TreeView) {
    this.#view = view
  }

  /** Takes entries, in order; the index has not got them yet. */
  take(entries: readonly LogEntry[]): void {
    if (this.#isMore) return
    for (const { writer, record } of entries) {
      if (record === undefined || record.type === 'writer' || record.node === ROOT_ID) continue
      const before = this.#beforeOf(record.node)
      if (record.type === 'delete') this.#deletion(writer, record)
      else this.#state(writer, record, before)
    }
    if (this.#events.length <= MAX_EVENTS) return
    this.#isMore = true
    this.#events.length = 0
    this.#before.clear()
  }

  /** What happened, once all of it is in the index; in steps. `undefined` where it is too much to tell. */
  *finish(): Generator<void, readonly NodeEvent[] | undefined> {
    if (this.#isMore) return undefined
    const { index } = this.#view
    const events: NodeEvent[] = []
    for (const [position, { writer, ...part }] of this.#events.entries()) {
      if ((position + 1) % EVENTS_PER_STEP === 0) yield
      const before = this.#before.get(part.node)
      const node = index.nodes.get(part.node)
      const after = node === undefined ? undefined : standingPath(this.#view, node)
      const place = placeOf(node?.placement)
      events.push({
        ...part,
        author: index.devices.get(writer),
        id: versionId({ writer, t: part.t }),
        ...(before?.path === undefined ? {} : { pathBefore: before.path }),
        ...(after === undefined ? {} : { pathAfter: after }),
        ...(before?.place === undefined ? {} : { placeBefore: before.place }),
        ...(place === undefined ? {} : { placeAfter: place }),
      })
    }
    return events
  }

  #beforeOf(id: NodeId): Before {
    const known = this.#before.get(id)
    if (known !== undefined) return known
    const node = this.#view.index.nodes.get(id)
    const before: Before = {
      path: node === undefined ? undefined : standingPath(this.#view, node),
      place: placeOf(node?.placement),
      versions: new Map(),
      placements: new Map(),
    }
    for (const { writer, version, placement } of node?.states ?? []) {
      if (version !== undefined) before.versions.set(writer, version)
      if (placement !== undefined) before.placements.set(writer, placement.t)
    }
    this.#before.set(id, before)
    return before
  }

  #deletion(writer: Writer, { node, t }: DeleteRecord): void {
    this.#events.push({ node, kind: 'deletion', writer, t, replaced: [], seen: [] })
  }

  /** A record repeats the part it does not change: only what is new is an event. */
  #state(writer: Writer, { node, placement, version }: StateRecord, before: Before): void {
    if (placement !== undefined && placement.t !== before.placements.get(writer)) {
      before.placements.set(writer, placement.t)
      this.#events.push({ node, kind: 'placement', writer, t: placement.t, replaced: [], seen: [] })
    }
    if (version === undefined || version.t === before.versions.get(writer)?.t) return
    const own = before.versions.get(writer)
    const seen = new Map(version.vector)
    if (own !== undefined) seen.set(writer, own.t)
    this.#events.push({
      node,
      kind: 'version',
      writer,
      t: version.t,
      version: versionId({ writer, t: version.t }),
      content: unpackContent(kindOfNode(node), version.content),
      replaced: replacedBy(seen, before.versions),
      seen: [...seen].map(([log, t]) => versionId({ writer: log, t })),
    })
    before.versions.set(writer, version)
  }
}

function replacedBy(seen: VersionVector, versions: ReadonlyMap<Writer, VersionPart>): VersionId[] {
  return [...versions].flatMap(([writer, { t }]) => (covers(seen, { writer, t }) ? [versionId({ writer, t })] : []))
}

function placeOf(placement: Placement | undefined): NodePlace | undefined {
  return placement === undefined ? undefined : { parent: placement.parent, name: placement.name }
}
