import type { Membership, MetadataStore, SpaceHistory, SpaceId } from '@dittofs/interface'

/** A space of this device, opened. */
export interface OpenSpace {
  readonly id: SpaceId
  /** Short name of the space on this device, in tables; never given to another space. */
  readonly number: number
  readonly name: string
  readonly membership: Membership
  readonly metadata: MetadataStore
  readonly history: SpaceHistory
}
