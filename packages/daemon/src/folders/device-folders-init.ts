import type { PlacedChunks } from '@dittofs/chunk-store'
import type {
  ChunkStore,
  Clock,
  DeviceKey,
  Logger,
  PathOptions,
  RandomBytes,
  ReadManifest,
  SpaceId,
  TrailEntry,
} from '@dittofs/interface'
import type { FolderFileSystem, SpaceFolders, SpaceFoldersInit } from '@dittofs/live-folder'
import type { HeldChunks } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { LinkedFolders } from './linked-folders.ts'

export interface DeviceFoldersInit {
  linked: LinkedFolders
  self: DeviceKey
  /** The device's home, as a real path. */
  home: string
  selectSpace: (name: string | undefined) => OpenSpace
  spaceOf: (id: SpaceId) => OpenSpace | undefined
  store: ChunkStore & PlacedChunks
  readManifest: ReadManifest
  held: HeldChunks
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
  deviceName: () => string
  /** Whether folders are kept in step here; without it they are only written down. */
  isRunning: boolean
  openFileSystem: (directory: string) => Promise<FolderFileSystem>
  openSpaceFolders: (init: SpaceFoldersInit) => Promise<SpaceFolders>
  /** The last synced state of a space's folders. */
  openBase: (space: OpenSpace) => SpaceFoldersInit['database']
  onChange: () => void
  /** Bytes per second at which content of a space comes now. */
  rateOf: (space: OpenSpace) => number
  /** What a person decided about the bytes of a path, and what its versions were merged from. */
  decidedAbout: (path: string, options: PathOptions) => Promise<readonly TrailEntry[]>
  /** Told when a directory of a space became a live folder, or is none any more. */
  onLinked: (space: OpenSpace) => void
  /** Bytes that may be written to the disk a directory is on, by what is to stay free there. */
  roomOf: (directory: string) => Promise<number>
  /** Told of bytes that lie in a live folder now, and in the store beside. */
  onCopied: (bytes: number) => void
  /** Told when content of a space that may have counted as missing lies in a live folder. */
  onGained: (space: OpenSpace) => void
  /** Told when content of a space that counted as held turned out not to be. */
  onLost: (space: OpenSpace) => void
}
