import type {
  ChunkStore,
  Clock,
  DeviceKey,
  EncodeManifestLeaf,
  Logger,
  Membership,
  MetadataStore,
  ReadManifest,
  SpaceId,
  TransportCapabilities,
} from '@dittofs/interface'
import type { AddressExchange } from './address-exchange.ts'
import type { Divergence, Repair } from './divergence-watch.ts'
import type { AnswerEcho } from './echo-questions.ts'
import type { FetchChoices } from './fetch-choices.ts'
import type { FetchGrowth } from './fetch-growth.ts'
import type { FetchRoom } from './fetch-room.ts'
import type { FetchPolicy, FetchState } from './fetch-state.ts'
import type { AnswerKept } from './kept-questions.ts'
import type { ProfileChoice } from './link-profile.ts'
import type { MeteredPolicy } from './metered-policy.ts'
import type { Session } from './session.ts'
import type { StatementExchange } from './statement-exchange.ts'

export interface SyncEngineInit {
  self: DeviceKey
  /** 16 random bytes, drawn anew at each start. */
  instance: Uint8Array
  /** The label this device gives itself. */
  deviceName: () => string
  store: ChunkStore
  readManifest: ReadManifest
  encodeLeaf: EncodeManifestLeaf
  clock: Clock
  log: Logger
  statements?: StatementExchange
  /** What is passed on of where members can be reached; nothing where absent. */
  addresses?: AddressExchange
  /** Answers peers that want to drop content; without it they hear no. */
  answerKept?: AnswerKept
  /** Takes the patterns of peers that check what comes back; without it they hear that this device is busy. */
  answerEcho?: AnswerEcho
  /** How content is fetched over each link. Default `auto`: by what is measured. */
  profile?: ProfileChoice
  /** Memory of this machine, or what this process may have of it, in bytes; nothing is concluded from it where absent. */
  machineBytes?: number
  /** Bytes that transfers may hold in memory. Default: what the profiles of the links say. */
  maxTransferBytes?: number
  /** What may be fetched that nobody asked for; without a limit where absent. */
  room?: FetchRoom
  /**
   * Whether links are being made. What a person asks for waits longer for a peer then; where absent, always as long.
   */
  isDialing?: () => boolean
  /** What content may be sent and fetched at now, over all links together; no limit where absent. */
  limits?: TransferLimits
  /** What the transports of this device can do, by name; one that it does not name is neither metered nor slow. */
  capabilities?: (transport: string) => TransportCapabilities | undefined
  /** What comes over metered links; only small files where absent. */
  metered?: MeteredPolicy
}

/** Bytes per second, more than 0; `undefined` where there is no limit. Asked again and again. */
export interface TransferLimits {
  readonly upload: () => number | undefined
  readonly download: () => number | undefined
}

export interface SyncSpaceOptions {
  metadata: MetadataStore
  membership: Membership
  name: () => string
  /** Default `all`. */
  policy?: FetchPolicy
  /** What a person decided otherwise than by the policy. */
  choices?: FetchChoices
  /** What of its content a person has to agree to; none of it where absent. */
  growth?: FetchGrowth
}

export interface SyncEvents {
  /** A peer's hello was accepted. */
  'peer:open': [session: Session]
  /** `reason` is `undefined` when there was nothing more to say. */
  'peer:close': [session: Session, reason: Error | undefined]
  'space:progress': [space: SpaceId, state: FetchState]
  /** This device and the peer hold different copies of a log, and its owner is not here to decide. */
  'space:diverged': [space: SpaceId, peer: DeviceKey, divergence: Divergence]
  /** Copies of logs that were forged gave way to their owner's. */
  'space:repaired': [space: SpaceId, repair: Repair]
  /** Something that `peers` tells may have changed. */
  'peer:change': []
}
