import type {
  ChunkStore,
  Clock,
  DeviceKey,
  Logger,
  Membership,
  MetadataStore,
  ReadManifest,
  Role,
  SpaceId,
  Unsubscribe,
} from '@dittofs/interface'
import { Fetcher, type FetchPolicy } from './fetcher.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Requester } from './requester.ts'
import { SpaceMetadata } from './space-metadata.ts'

export interface SyncSpaceInit {
  /** Stands for the space in all sessions of this device. */
  number: number
  self: DeviceKey
  metadata: MetadataStore
  membership: Membership
  /** As its members see it. */
  name: () => string
  policy: FetchPolicy
  store: ChunkStore
  readManifest: ReadManifest
  clock: Clock
  log: Logger
  budget: MemoryBudget
  onMembers: (removed: readonly DeviceKey[]) => void
  onChange: () => void
  onWork: () => void
  onCorrupt: (requester: Requester) => void
}

/** One space as the engine holds it: its metadata, who may hold it, and what is being fetched for it. */
export class SyncSpace {
  readonly id: SpaceId
  readonly number: number
  readonly metadata: SpaceMetadata
  readonly fetcher: Fetcher
  readonly #init: SyncSpaceInit
  readonly #unsubscribe: Unsubscribe

  constructor(init: SyncSpaceInit) {
    const { metadata, store, readManifest, clock, log, budget, policy, onChange, onWork, onCorrupt } = init
    this.#init = init
    this.id = metadata.space
    this.number = init.number
    this.metadata = new SpaceMetadata(metadata, (paths) => this.fetcher.contentChanged(paths))
    this.fetcher = new Fetcher({
      space: metadata.space,
      store,
      metadata,
      readManifest,
      clock,
      log,
      budget,
      policy,
      onChange,
      onWork,
      onCorrupt,
    })
    this.#unsubscribe = init.membership.onChange(init.onMembers)
  }

  get name(): string {
    return this.#init.name()
  }

  role(device: DeviceKey): Role | undefined {
    return this.#init.membership.role(device)
  }

  /** Whether both this device and the other are members, as far as this device knows. */
  isSharedWith(device: DeviceKey): boolean {
    return this.role(this.#init.self) !== undefined && this.role(device) !== undefined
  }

  get isSelfWriter(): boolean {
    return this.role(this.#init.self) === 'full'
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.fetcher.close()
    await this.metadata.close()
  }
}
