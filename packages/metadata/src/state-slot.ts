import type { NodeId } from '@dittofs/interface'
import type { Event, Writer } from './event.ts'
import type { PlacementPart, StateRecord, VersionPart } from './record.ts'
import type { VersionVector } from './version-vector.ts'

export interface Placement extends PlacementPart, Event {}

export interface Version extends VersionPart, Event {}

/** The newest state one writer gave a node, and where in that writer's log it stands. */
export interface StateSlot {
  readonly writer: Writer
  readonly clock: number
  readonly placement: Placement | undefined
  readonly version: Version | undefined
}

/** What a shown version of a leaf counts for. */
export interface CountedLeaf {
  /** As shown. */
  readonly name: string
  readonly node: NodeId
  readonly version: Version
}

/** What a slot is made of. */
export interface StateSlotInit {
  readonly writer: Writer
  readonly clock: number
  /** The ID of the node, the very string that the node has. */
  readonly node: NodeId
  readonly record: StateRecord
  /** The entry as the document holds it: the content is read from there when it is asked for, and not held again. */
  readonly text: string | undefined
  /** The parent's ID, the very string that its node has. */
  readonly parent: NodeId | undefined
}

/** One slot for each node and writer: with a million nodes its size is what a space takes in memory. */
export function stateSlot({ writer, clock, node, record, text, parent }: StateSlotInit): StateSlot {
  const { placement, version } = record
  const isCreation = version !== undefined && placement?.t === version.t && placement.from === undefined
  if (isCreation) return new CreatedState(writer, clock, node, placement, version, text, parent ?? placement.parent)
  return {
    writer,
    clock,
    placement: placement === undefined ? undefined : placementOf(writer, placement, parent ?? placement.parent),
    version: version === undefined ? undefined : new HeldVersion(writer, version, text),
  }
}

function placementOf(writer: Writer, { t, name, from }: PlacementPart, parent: NodeId): Placement {
  return from === undefined ? { writer, t, parent, name } : { writer, t, parent, name, from }
}

class HeldVersion implements Version {
  readonly writer: Writer
  readonly t: number
  readonly vector: VersionVector
  readonly size: number
  /** The entry, or with no bytes before it the content alone. */
  readonly #packed: string
  readonly #bytesBefore: number

  constructor(writer: Writer, { t, vector, size, content }: VersionPart, text: string | undefined) {
    this.writer = writer
    this.t = t
    this.vector = vector
    this.size = size
    this.#packed = text ?? content
    this.#bytesBefore = text === undefined ? 0 : Buffer.byteLength(text, 'base64') - content.length
  }

  /** The content is the last part of a record. */
  get content(): string {
    if (this.#bytesBefore === 0) return this.#packed
    return Buffer.from(this.#packed, 'base64').toString('latin1', this.#bytesBefore)
  }
}

/** Place and content as they were given at one time, as nearly every file has them: one object stands for both. */
class CreatedState extends HeldVersion implements StateSlot, Placement {
  readonly clock: number
  readonly node: NodeId
  readonly parent: NodeId
  readonly name: string

  constructor(
    writer: Writer,
    clock: number,
    node: NodeId,
    placement: PlacementPart,
    version: VersionPart,
    text: string | undefined,
    parent: NodeId,
  ) {
    super(writer, version, text)
    this.clock = clock
    this.node = node
    this.parent = parent
    this.name = placement.name
  }

  get placement(): this {
    return this
  }

  get version(): this {
    return this
  }
}

/** What a version of a leaf counts for under the name it is shown by: mostly the state itself, as held already. */
export function countedLeaf(name: string, node: NodeId, version: Version): CountedLeaf {
  return version instanceof CreatedState && version.name === name ? version : { name, node, version }
}
