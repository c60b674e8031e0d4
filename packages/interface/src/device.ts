import type { AddOptions, AddResult, GetOptions, GetResult } from './add-and-get.ts'
import type { ExportOptions, ExportResult, ImportBundleResult } from './bundles.ts'
import type { ChunkerKind } from './chunk-store.ts'
import type { AbortOptions, Unsubscribe } from './common.ts'
import type { PatternCheckResult } from './doctor.ts'
import type { Gateways } from './gateways.ts'
import type { ChunkId, DeviceId, SpaceId } from './ids.ts'
import type { Invitation, InviteOptions, JoinResult, OpenInvitation, WaitingDevice } from './invitations.ts'
import type { LiveFolders } from './live-folders.ts'
import type { Role } from './membership.ts'
import type { NodeKind } from './metadata-store.ts'
import type { ReceiveOptions, ReceiveResult, SendEvent, SendOptions } from './one-off-transfer.ts'
import type { PinMark, Pins } from './pins.ts'
import type { ProgressOptions } from './progress.ts'
import type { Versions } from './versions.ts'

/** One member device, as a person sees it. */
export interface DeviceInfo {
  readonly id: DeviceId
  readonly name: string
  readonly isSelf: boolean
  readonly spaces: readonly { readonly id: SpaceId; readonly name: string; readonly role: Role }[]
  /** Names of the transports of the links that are up; empty when the device is not connected. */
  readonly links: readonly string[]
  /** Milliseconds since the Unix epoch. */
  readonly lastSeen?: number
}

export interface SpaceInfo {
  readonly id: SpaceId
  readonly name: string
  readonly role: Role
  readonly chunker: ChunkerKind
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Sum of the files' sizes. */
  readonly bytes: number
  /** Chunks of current versions that are not here yet, and their bytes. */
  readonly missingChunks: number
  readonly missingBytes: number
  /** Paths that are pinned on this device and paths that are evicted, at most 100 each; absent where there are none. */
  readonly pinned?: readonly string[]
  readonly evicted?: readonly string[]
  readonly conflicts: number
  /** Groups of names that a case-folding platform cannot hold side by side, as paths. */
  readonly clashes: readonly (readonly string[])[]
  readonly members: number
  /** Content of other devices that waits until a person agrees to it, by device; absent where there is none. */
  readonly growth?: readonly HeldGrowth[]
}

/** What the changes of one device would make a space grow by here, past what comes by itself. */
export interface HeldGrowth {
  /** Absent: devices that are no members any more. */
  readonly device?: { readonly id: DeviceId; readonly name: string }
  readonly waitingBytes: number
  /** What has come within a day. */
  readonly grownBytes: number
}

/** What a person agreed to. */
export interface AcceptedGrowth extends HeldGrowth {
  readonly space: { readonly id: SpaceId; readonly name: string }
}

export interface AdoptResult {
  readonly space: SpaceInfo
  /** Files left out because their bytes are not all on this device, each with the reason. */
  readonly skipped: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
}

export interface PeerInfo {
  readonly id: DeviceId
  readonly name: string
  /** The transport in use; `undefined` when not connected. */
  readonly link?: string
  readonly remote?: string
  /** Transports of further links to the device, which take over when that one ends, the best first. */
  readonly standby?: readonly string[]
  /** How content is fetched over the link in use: one of the profiles of docs/configuration.md. */
  readonly profile?: string
  /** Whether this device holds all that the peer holds, as far as known. */
  readonly isUpToDate: boolean
  /** Bytes this device still wants and the peer may have. */
  readonly missingBytes: number
  /** Why the last attempt to connect failed; of a connected device, why the two do not become the same. */
  readonly problem?: string
  /** Milliseconds since the Unix epoch. */
  readonly lastSeen?: number
  /** By how much the peer's clock was ahead of this device's when it connected, in milliseconds; below 0 behind. */
  readonly clockOffsetMs?: number
}

/** A means by which devices find or reach each other: `tcp`, `mdns`, `beacon`, `ble`; later `webrtc`. */
export interface LinkState {
  readonly name: string
  readonly isUp: boolean
  /** Why it is off, in one sentence. */
  readonly reason?: string
  readonly addresses?: readonly string[]
}

export interface DeviceStatus {
  readonly device: { readonly id: DeviceId; readonly name: string }
  readonly home: string
  readonly version: string
  /** Whether a daemon answers; `false` when the store was opened directly. */
  readonly isDaemonRunning: boolean
  readonly spaces: readonly SpaceInfo[]
  readonly chunks: {
    readonly count: number
    readonly bytes: number
    readonly packs: number
    readonly packBytes: number
    /** Bytes of files in live folders: they lie there alone, and in no pack. */
    readonly placedBytes: number
    /** Bytes of all files shown over bytes held, in chunks and in live folders; 1 when nothing is. */
    readonly dedupRatio: number
  }
  readonly peers: readonly PeerInfo[]
  readonly links: readonly LinkState[]
  /** Things a person should know: changes by a removed device, a used ticket, damage found. */
  readonly notices: readonly string[]
}

export interface ListEntry {
  readonly path: string
  readonly kind: NodeKind
  /** Bytes; 0 for a directory, the target's length for a symlink. */
  readonly size: number
  /** Nanoseconds since the Unix epoch, in decimal (JSON numbers cannot hold it). */
  readonly mtime: string
  readonly mode: number
  readonly missingChunks: number
  readonly chunks: number
  readonly target?: string
  readonly conflictOf?: string
  /** What a person decided about its bytes on this device. */
  readonly pin?: PinMark
  /** With `isVerbose`: the chunk IDs in order. */
  readonly chunkIds?: readonly ChunkId[]
  /** With `isVerbose`: who made the version, by name. */
  readonly author?: string
}

export interface ListOptions extends AbortOptions {
  space?: string
  missing?: boolean
  isVerbose?: boolean
}

export interface SyncOptions extends ProgressOptions {
  /** How long to look for devices and exchange, in milliseconds. */
  timeoutMs?: number
}

export interface SyncResult {
  /** Devices that were reached, and whether this device is up to date with each. */
  readonly peers: readonly {
    readonly id: DeviceId
    readonly name: string
    readonly isUpToDate: boolean
    readonly problem?: string
  }[]
  /** What is missing here still and does not come by itself; empty where nothing is. */
  readonly waiting: readonly WaitingContent[]
  readonly fetchedBytes: number
  readonly sentBytes: number
}

/**
 * What missing content waits for: `accept`, that a person agrees to it; `room`, that more of the disk is free; `link`, a
 * link that costs neither money nor battery.
 */
export type WaitingFor = 'accept' | 'room' | 'link'

/** Missing content of one space that waits for one thing. */
export interface WaitingContent {
  readonly space: { readonly id: SpaceId; readonly name: string }
  readonly waitsFor: WaitingFor
  readonly bytes: number
}

export interface VerifyResult {
  readonly chunks: number
  readonly bytes: number
  readonly damaged: readonly { readonly id: ChunkId; readonly problem: string; readonly paths: readonly string[] }[]
  readonly repaired: number
}

/**
 * One device of DittoFS: everything the command line does. Implemented in this process by `openDevice` and, over the
 * control socket of a running daemon, by `connectDevice`; both pass `deviceSuite`.
 *
 * A space is named by its name, or by its ID where two share a name; absent, it is the only one, or `home`.
 * Paths on disk are absolute. Every method rejects with a DittoError; the codes are in docs/errors.md.
 */
export interface Device {
  readonly id: DeviceId
  readonly folders: LiveFolders
  readonly versions: Versions
  readonly pins: Pins
  readonly gateways: Gateways

  status(options?: AbortOptions): Promise<DeviceStatus>
  devices(): Promise<readonly DeviceInfo[]>
  /** @returns what was removed: the device, and those that leave because only it had added them */
  removeDevice(id: string, options?: { space?: string }): Promise<readonly DeviceInfo[]>
  renameDevice(name: string): Promise<void>
  spaces(): Promise<readonly SpaceInfo[]>
  createSpace(name: string, options?: { chunker?: ChunkerKind }): Promise<SpaceInfo>
  /**
   * Makes a space of what another one shows on this device, with this device as its only member. No bytes are copied;
   * the other space stays as it is.
   *
   * @param options.as - its name; default the other's with `-2`, or the first such number that is free
   */
  adoptSpace(space: string, options?: ProgressOptions & { as?: string }): Promise<AdoptResult>

  /**
   * Lets come what the brake on growth holds back now; what comes later is counted anew.
   *
   * @param options.space - default: every space
   * @returns what waited, by space and device
   */
  acceptGrowth(options?: { space?: string }): Promise<readonly AcceptedGrowth[]>

  invite(options?: InviteOptions): Promise<Invitation>
  invitations(): Promise<readonly OpenInvitation[]>
  /** Also sends away whoever waits with it: the answer no. */
  revokeInvitation(id: string): Promise<void>
  /**
   * Lets the device in that waits with a ticket made with `confirm` and shows these digits.
   *
   * @throws DittoError DITTO_NOT_FOUND where none does
   */
  confirmInvitation(id: string, digits: string): Promise<WaitingDevice>
  /** Returns when both devices have it. @throws DittoError DITTO_TICKET_*, DITTO_PEER_UNREACHABLE */
  join(ticket: string, options?: ProgressOptions): Promise<JoinResult>

  add(sources: readonly string[], options?: AddOptions): Promise<AddResult>
  /** Entries in order of path; DITTO_NOT_FOUND where the path shows nothing. */
  list(path?: string, options?: ListOptions): AsyncIterable<readonly ListEntry[]>
  get(path: string, options: GetOptions): Promise<GetResult>
  /** Writes the chunks named, joined in that order, to one file. */
  getChunks(ids: readonly ChunkId[], options: GetOptions & { output: string }): Promise<GetResult>
  /** A file's bytes from `start` (default 0) up to `end` (exclusive, default its size), verified, fetched as needed. */
  read(
    path: string,
    options?: AbortOptions & { space?: string; start?: number; end?: number },
  ): AsyncIterable<Uint8Array>
  move(from: string, to: string, options?: { space?: string }): Promise<void>
  remove(path: string, options?: { space?: string }): Promise<void>

  /**
   * Offers files and directories once to a device that is no member of anything. Goes on until that one has everything:
   * the last event is `done`. Breaking the loop calls it off; nothing of it stays on this device either way.
   *
   * @throws DittoError DITTO_TICKET_EXPIRED (nobody came), and as `add`
   */
  send(sources: readonly string[], options?: SendOptions): AsyncIterable<readonly SendEvent[]>
  /**
   * Receives what a ticket of `send` offers. After a failure the same ticket goes on where it stopped.
   *
   * @throws DittoError DITTO_EXISTS (before anything is fetched), DITTO_TICKET_*, DITTO_PEER_UNREACHABLE,
   *   DITTO_CHUNK_MISSING, DITTO_NO_SPACE
   */
  receive(ticket: string, options: ReceiveOptions): Promise<ReceiveResult>

  /**
   * Writes what another member lacks, as far as is known, to a file that only it can read. Where the file is there and
   * was begun by this device for the same, it goes on with it.
   *
   * @param target - absolute path of a directory, or of the file
   * @throws DittoError DITTO_NOT_FOUND (no such member), DITTO_EXISTS (the file is something else), DITTO_NO_SPACE
   */
  exportBundle(target: string, options: ExportOptions): Promise<ExportResult>
  /**
   * Takes what a bundle brings; each part is checked before anything of it is kept. After a failure it goes on where it
   * stopped.
   *
   * @throws DittoError DITTO_BUNDLE_DAMAGED, DITTO_BUNDLE_FOREIGN, DITTO_NOT_A_MEMBER, DITTO_ROLE, DITTO_UPDATE_INVALID,
   *   DITTO_UPDATE_GAP, DITTO_CHUNK_CORRUPT, DITTO_NO_SPACE
   */
  importBundle(file: string, options?: ProgressOptions): Promise<ImportBundleResult>

  sync(options?: SyncOptions): Promise<SyncResult>
  /**
   * Resolves when this device holds everything that it and its connected peers hold, every live folder shows it after a
   * look at all of it, and each connected peer holds what this device does. Content that none of them has is not waited for.
   */
  waitUntilSynced(options?: AbortOptions): Promise<void>
  verify(options?: ProgressOptions & { repair?: boolean }): Promise<VerifyResult>
  /**
   * Takes known patterns of many sizes to another device, through a store there and back, and compares what came of them.
   * Nothing of them stays on either. Waits a moment for the device to connect.
   *
   * @param device - its ID, or the beginning of it where no other device's ID begins so
   * @param options - `seed`: hex of what the random pattern is made from, as an earlier check told it
   * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE, DITTO_PEER_UNREACHABLE, DITTO_UNSUPPORTED (an older version runs
   *   there), DITTO_BUSY, DITTO_TIMEOUT, DITTO_IO
   */
  checkPatterns(device: string, options?: AbortOptions & { seed?: string }): Promise<PatternCheckResult>
  /** Frees chunks that no current version and no running transfer needs. */
  collect(options?: AbortOptions): Promise<{ readonly chunks: number; readonly bytes: number }>

  /** Something about the device's state changed: peers, spaces, progress. Coalesced; read `status` for what. */
  onChange(listener: () => void): Unsubscribe
  close(): Promise<void>
}
