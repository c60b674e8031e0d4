import type {
  AbortOptions,
  Address,
  ChunkId,
  DeviceKey,
  JoinResult,
  ProgressOptions,
  SyncOptions,
  Unsubscribe,
} from '@dittofs/interface'
import type { RedeemTicketResult, Ticket } from '@dittofs/membership'
import type { EchoAnswer, EchoQuestion, FileVersionRef, SpacePeer } from '@dittofs/sync'
import type { FetchPolicy } from '../config/config-schema.ts'
import type { ContentFetcher } from '../content/content-fetcher.ts'
import type { ProgressReporter } from '../progress-reporter.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { NetworkView } from '../status/status-report.ts'
import type { SyncedPeers } from './sync-run.ts'

/** Everything a device does with other devices. */
export interface Network extends NetworkView, ContentFetcher {
  /** Where this device listens. */
  addresses(): readonly Address[]
  /** Bytes over all links since the start. */
  traffic(): { readonly sent: number; readonly received: number }
  /** Fetches chunks of a space. @returns bytes that came from other devices. @throws DittoError DITTO_CHUNK_MISSING */
  fetchChunks(space: OpenSpace, ids: readonly ChunkId[], options?: AbortOptions): Promise<number>
  /** What is fetched by itself of a space is other than before. */
  choicesChanged(space: OpenSpace): void
  /** For each version whether a connected device says that it keeps it; `undefined` where none is connected. */
  askKept(
    space: OpenSpace,
    versions: readonly FileVersionRef[],
    options?: AbortOptions,
  ): Promise<readonly boolean[] | undefined>
  join(ticket: string, options?: ProgressOptions): Promise<JoinResult>
  sync(options?: SyncOptions): Promise<SyncedPeers>
  waitUntilSynced(options?: AbortOptions): Promise<void>
  /** Whether `waitUntilSynced` would not wait. */
  readonly isSynced: boolean
  /** Redeems a ticket of whatever kind: a member of its space, durably, on return. */
  redeem(ticket: Ticket, progress: ProgressReporter, options?: AbortOptions): Promise<RedeemTicketResult>
  /** The devices that share a space in a session now. */
  spacePeers(space: OpenSpace): readonly SpacePeer[]
  /** The link in use with a device; `undefined` where none is up. */
  linkTo(device: DeviceKey): { readonly transport: string; readonly isSlow: boolean } | undefined
  /** Takes a pattern through a store of a device and back. @throws DittoError as `SyncEngine.echo` */
  echo(device: DeviceKey, question: EchoQuestion, options?: AbortOptions): Promise<EchoAnswer>
  /** Something that `spacePeers` or `linkTo` tells may have changed. */
  onPeerChange(listener: () => void): Unsubscribe
  /** Ends the links to a device that shares no lasting space, and remembers nothing of it. */
  forgetDevice(device: DeviceKey): void
  /**
   * Takes part in a space that was made or joined, or no more in one that was discarded.
   *
   * @param policy - default: that of the settings
   */
  addSpace(space: OpenSpace, policy?: FetchPolicy): void
  removeSpace(space: OpenSpace): Promise<void>
  /** What is announced, or by which secrets others may knock, has changed: tickets, spaces. */
  secretsChanged(): void
  close(): Promise<void>
}
