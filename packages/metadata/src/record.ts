import type { DeviceKey, NodeId } from '@dittofs/interface'
import type { VersionVector } from './version-vector.ts'

/** Where a node stands: a name in a directory. */
export interface Place {
  readonly parent: NodeId
  readonly name: string
}

/** The first entry of every log: whose it is, with that device's signature over space and writer. */
export interface WriterRecord {
  readonly type: 'writer'
  readonly device: DeviceKey
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** A placement as it is written. */
export interface PlacementPart extends Place {
  readonly t: number
  /** For a moved directory the place it left: where it goes back to if this move closes a cycle. */
  readonly from?: Place
}

/** A version as it is written. */
export interface VersionPart {
  readonly t: number
  /** What this version replaces; its own writer and time are implied. Empty for directories. */
  readonly vector: VersionVector
  /** Packed content, see `content-codec.ts`, one character a byte. */
  readonly content: string
  /** Bytes of a file; 0 for anything else. */
  readonly size: number
}

/** A node as its writer last saw or put it. Either part may be missing, not both. */
export interface StateRecord {
  readonly type: 'state'
  readonly node: NodeId
  readonly placement?: PlacementPart
  readonly version?: VersionPart
}

/** Deletes one node and whatever is below it, as far as `cut` goes. */
export interface DeleteRecord {
  readonly type: 'delete'
  readonly node: NodeId
  readonly t: number
  readonly cut: VersionVector
}

/** The meaning of one entry of a log. */
export type LogRecord = WriterRecord | StateRecord | DeleteRecord
