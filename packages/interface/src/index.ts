/**
 * What the packages of DittoFS agree on: interfaces as contracts, branded IDs, error codes, limits, and
 * the machine's clock. No runtime dependency, no I/O.
 *
 * ```ts
 * import { chunkId, DittoError, type ChunkStore } from '@dittofs/interface'
 * ```
 *
 * @packageDocumentation
 */

export type { AddOptions, AddResult, GetOptions, GetResult } from './add-and-get.ts'
export type {
  ExportOptions,
  ExportResult,
  ImportBundleResult,
} from './bundles.ts'
export {
  CHUNKERS,
  type Chunk,
  type ChunkDamage,
  type ChunkerKind,
  type ChunkRef,
  type ChunkStore,
  type ChunkStoreStats,
  type ContentRef,
  type ImportOptions,
  type ImportResult,
  type PutOptions,
} from './chunk-store.ts'
export {
  type AbortOptions,
  type Awaitable,
  type Clock,
  DURABILITIES,
  type Durability,
  type Logger,
  type RandomBytes,
  type Unsubscribe,
} from './common.ts'
export type {
  AcceptedGrowth,
  AdoptResult,
  Device,
  DeviceInfo,
  DeviceStatus,
  HeldGrowth,
  LinkState,
  ListEntry,
  ListOptions,
  PeerInfo,
  SpaceInfo,
  SyncOptions,
  SyncResult,
  VerifyResult,
  WaitingContent,
  WaitingFor,
} from './device.ts'
export {
  type Check,
  type CheckedFinding,
  type ExamineOptions,
  FINDING_LEVELS,
  type Finding,
  type FindingLevel,
  type PatternCheckResult,
} from './doctor.ts'
export {
  DittoError,
  type DittoErrorInit,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  isDittoError,
} from './errors.ts'
export { Exclusive } from './exclusive.ts'
export type { Gateway, GatewayAddress, VolumeExport } from './gateway.ts'
export {
  GATEWAY_PROTOCOLS,
  type GatewayInfo,
  type GatewayProtocol,
  type Gateways,
  type ServeOptions,
} from './gateways.ts'
export {
  type ChangeGroup,
  type ChangesOptions,
  DEFAULT_RETENTION,
  type DeletedNode,
  type HistoryVersion,
  type Inversion,
  type KeptFile,
  type RetentionRule,
  type SpaceHistory,
  type VersionsOptions,
} from './history.ts'
export {
  type ChunkId,
  chunkId,
  type DeviceId,
  type DeviceKey,
  deviceKey,
  type NodeId,
  type SpaceId,
  spaceId,
  type VersionId,
} from './ids.ts'
export type {
  Invitation,
  InviteOptions,
  JoinResult,
  OpenInvitation,
  WaitingDevice,
} from './invitations.ts'
export {
  MAX_CHUNK_BYTES,
  MAX_FILE_BYTES,
  MAX_FRAME_BYTES,
  MAX_IDS_PER_REQUEST,
  MAX_INLINE_CHUNKS,
  MAX_LABEL_BYTES,
  MAX_MANIFEST_DEPTH,
  MAX_MANIFEST_NODE_ENTRIES,
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  MAX_PATH_PARTS,
  MAX_QUEUED_ANSWER_BYTES,
  MAX_REQUESTS_IN_FLIGHT,
  MAX_STATEMENT_BYTES,
  MAX_STATEMENTS,
  MAX_UPDATE_BYTES,
  MIN_CHUNK_BYTES,
  TARGET_CHUNK_BYTES,
} from './limits.ts'
export type { KnockMatch, Link } from './link.ts'
export { compareLinks, type RankedTransport, rankedTransport, rankLink } from './link-rank.ts'
export { listenError } from './listen-error.ts'
export {
  FOLDER_MODES,
  type FolderInfo,
  type FolderMode,
  type FolderProblem,
  type HeldChange,
  type IgnoredPath,
  type LinkOptions,
  type LiveFolders,
  type PlannedStep,
  type TrailEntry,
} from './live-folders.ts'
export type {
  ByteRange,
  ChunkRun,
  ContentEdit,
  EncodeManifestLeaf,
  ManifestPlace,
  ManifestStep,
  ReadManifest,
  ReadManifestOptions,
  SpliceContent,
  SpliceOptions,
} from './manifest.ts'
export { type Member, type Membership, ROLES, type Role } from './membership.ts'
export {
  type Action,
  type DirectoryContent,
  type FileContent,
  type LogDigest,
  type LogDigests,
  type MetadataChange,
  type MetadataStore,
  type NameClash,
  NODE_KINDS,
  type NodeAction,
  type NodeContent,
  type NodeEvent,
  type NodeKind,
  type NodePlace,
  type PathAction,
  type ReplacedLogs,
  type SymlinkContent,
  type TreeCounts,
  type TreeEntry,
  type WalkOptions,
} from './metadata-store.ts'
export type {
  ReceiveOptions,
  ReceiveResult,
  SendEvent,
  SendOptions,
} from './one-off-transfer.ts'
export { nameFault, parsePath } from './paths.ts'
export type { EvictResult, PinMark, PinResult, Pins, UnpinResult } from './pins.ts'
export { plainAddress } from './plain-address.ts'
export type {
  Progress,
  ProgressOptions,
} from './progress.ts'
export type { IncomingSignal, Signal, SignalChannel, SignalChannelListener, SignalKind } from './signaling.ts'
export { systemClock } from './system-clock.ts'
export { TokenBucket } from './token-bucket.ts'
export type {
  Address,
  Announcement,
  DiscoverOptions,
  Discovery,
  DiscoveryState,
  IncomingDuplex,
  Listener,
  ListenOptions,
  Sighting,
  Transport,
  TransportCapabilities,
} from './transport.ts'
export {
  type ChangeSummary,
  CONFLICT_CHOICES,
  type Conflict,
  type ConflictChoice,
  type ConflictDiff,
  type DeletedEntry,
  type DeviceName,
  type FileVersion,
  type PathOptions,
  type RestoreDeletedResult,
  type RestoreOptions,
  type RestoreResult,
  type UndoResult,
  type Versions,
} from './versions.ts'
export {
  type AttributeChange,
  type ContentSource,
  type CreateOptions,
  type CreateRule,
  type CreateWithContentOptions,
  MAX_HANDLE_BYTES,
  MAX_TRANSFER_BYTES,
  type ReadDirectoryOptions,
  type ReadOptions,
  type ReplaceContentOptions,
  type Volume,
  type VolumeAttributes,
  type VolumeDirent,
  type VolumeEntry,
  type VolumeHandle,
  type VolumeName,
  type VolumePieces,
  type VolumePlace,
  type VolumeRead,
  type VolumeStatistics,
  type WriteOptions,
} from './volume.ts'
