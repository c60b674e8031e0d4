import type {
  ChunkStore,
  Clock,
  DeviceKey,
  EncodeManifestLeaf,
  Logger,
  Membership,
  MetadataStore,
  ReadManifest,
  Role,
  SpaceId,
  Unsubscribe,
} from '@dittofs/interface'
import type { Divergence, Repair } from './divergence-watch.ts'
import type { FetchChoices } from './fetch-choices.ts'
import type { FetchGrowth } from './fetch-growth.ts'
import type { FetchRoom } from './fetch-room.ts'
import type { FetchPolicy } from './fetch-state.ts'
import { Fetcher, type FetcherInit } from './fetcher.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { MeteredPolicy } from './metered-policy.ts'
import { RepairTurns } from './repair-turns.ts'
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
  metered: MeteredPolicy
  choices?: FetchChoices
  store: ChunkStore
  readManifest: ReadManifest
  encodeLeaf: EncodeManifestLeaf
  clock: Clock
  log: Logger
  budget: MemoryBudget
  batch: FetcherInit['batch']
  room?: FetchRoom
  growth?: FetchGrowth
  isPeerOnTheWay: () => boolean
  onMembers: (removed: readonly DeviceKey[]) => void
  onChange: () => void
  onWork: () => void
  onCorrupt: (requester: Requester) => void
  onDiverged: (peer: DeviceKey, divergence: Divergence) => void
  onRepaired: (repair: Repair) => void
}

/** One space as the engine holds it: its metadata, who may hold it, and what is being fetched for it. */
export class SyncSpace {
  readonly id: SpaceId
  readonly number: number
  readonly metadata: SpaceMetadata
  readonly fetcher: Fetcher
  readonly log: Logger
  readonly repairTurns: RepairTurns
  readonly #init: SyncSpaceInit
  readonly #unsubscribe: Unsubscribe

  constructor(init: SyncSpaceInit) {
    const { metadata, store, readManifest, clock, log, budget, policy, isPeerOnTheWay, onChange, onWork, onCorrupt } =
      init
    this.#init = init
    this.id = metadata.space
    this.number = init.number
    this.log = log
    this.repairTurns = new RepairTurns(clock)
    this.metadata = new SpaceMetadata(metadata, (paths) => this.fetcher.contentChanged(paths))
    this.fetcher = new Fetcher({
      space: metadata.space,
      store,
      metadata,
      readManifest,
      encodeLeaf: init.encodeLeaf,
      clock,
      log,
      budget,
      batch: init.batch,
      policy,
      metered: init.metered,
      ...(init.choices !== undefined && { choices: init.choices }),
      ...(init.room !== undefined && { room: init.room }),
      ...(init.growth !== undefined && { growth: init.growth }),
      isPeerOnTheWay,
      onChange,
      onWork,
      onCorrupt,
    })
    this.#unsubscribe = init.membership.onChange(init.onMembers)
  }

  /** This device. */
  get self(): DeviceKey {
    return this.#init.self
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

  /** A peer's copies differ from those here, and nothing can be done about it now. */
  diverged(peer: DeviceKey, divergence: Divergence): void {
    this.#init.onDiverged(peer, divergence)
  }

  /** Copies here gave way to their owner's. */
  repaired(repair: Repair): void {
    this.#init.onRepaired(repair)
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    await this.fetcher.close()
    await this.metadata.close()
  }
}
