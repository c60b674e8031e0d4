import type { NodeContent, NodeId, NodeKind, RandomBytes } from '@dittofs/interface'
import { packContent } from './content-codec.ts'
import type { Event, Writer } from './event.ts'
import { newNodeId } from './node-id.ts'
import type { DeleteRecord, Place, PlacementPart, StateRecord, VersionPart } from './record.ts'
import type { SpaceIndex } from './space-index.ts'
import { EMPTY_VECTOR, joinInto, type VersionVector } from './version-vector.ts'

export interface ActionPlanInit {
  readonly index: SpaceIndex
  /** The writer the records will be of. */
  readonly writer: Writer
  readonly randomBytes: RandomBytes
}

/** A packed content and the bytes of the file it names. */
export interface PlannedContent {
  readonly content: string
  readonly size: number
}

export function plannedContent(content: NodeContent): PlannedContent {
  return { content: packContent(content), size: content.kind === 'file' ? content.file.size : 0 }
}

interface OwnParts {
  readonly placement: PlacementPart | undefined
  readonly version: VersionPart | undefined
}

/**
 * Collects the records of one action. A record of a node repeats the writer's other part for that node, because the
 * newest record replaces the older ones.
 */
export class ActionPlan {
  readonly records: (StateRecord | DeleteRecord)[] = []
  /** The writer the records will be of. */
  readonly writer: Writer
  readonly #index: SpaceIndex
  readonly #randomBytes: RandomBytes
  readonly #own = new Map<NodeId, OwnParts>()
  #time: number

  constructor({ index, writer, randomBytes }: ActionPlanInit) {
    this.#index = index
    this.writer = writer
    this.#randomBytes = randomBytes
    this.#time = index.time
  }

  /** Makes a node. */
  create(
    kind: NodeKind,
    place: Place,
    { content, size }: PlannedContent,
    node = newNodeId(kind, this.#randomBytes),
  ): NodeId {
    const t = this.#tick()
    this.#put(node, { placement: { t, ...place }, version: { t, vector: EMPTY_VECTOR, content, size } })
    return node
  }

  /** Moves or renames a node; for a directory `from` is where it stands now. */
  place(node: NodeId, { parent, name }: Place, from?: Place): void {
    const t = this.#tick()
    const placement = from === undefined ? { t, parent, name } : { t, parent, name, from }
    this.#put(node, { placement, version: this.#ownParts(node).version })
  }

  /** Gives a node a version that replaces all that `replaced` covers, and all that this writer's last one replaced. */
  write(node: NodeId, { content, size }: PlannedContent, replaced: VersionVector): void {
    const { placement, version } = this.#ownParts(node)
    const vector = new Map(replaced)
    if (version !== undefined) joinInto(vector, version.vector)
    vector.delete(this.writer)
    const t = this.#tick()
    this.#put(node, { placement, version: { t, vector: vector.size === 0 ? EMPTY_VECTOR : vector, content, size } })
  }

  delete(node: NodeId, cut: VersionVector): void {
    this.records.push({ type: 'delete', node, t: this.#tick(), cut })
  }

  /** The version of a node that this plan wrote, or else this writer's last one. */
  ownVersion(node: NodeId): Event | undefined {
    const { version } = this.#ownParts(node)
    return version === undefined ? undefined : { writer: this.writer, t: version.t }
  }

  /** What this device holds, the records planned so far included. */
  held(): VersionVector {
    return new Map(this.#index.held()).set(this.writer, this.#time)
  }

  #tick(): number {
    this.#time += 1
    return this.#time
  }

  #ownParts(node: NodeId): OwnParts {
    const planned = this.#own.get(node)
    if (planned !== undefined) return planned
    const slot = this.#index.nodes.get(node)?.states.find(({ writer }) => writer === this.writer)
    return { placement: slot?.placement, version: slot?.version }
  }

  #put(node: NodeId, parts: OwnParts): void {
    this.#own.set(node, parts)
    const { placement, version } = parts
    this.records.push({
      type: 'state',
      node,
      ...(placement === undefined ? {} : { placement }),
      ...(version === undefined ? {} : { version }),
    })
  }
}
