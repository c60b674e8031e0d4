import type { ChunkStore, Clock, RandomBytes, ReadManifest } from '@dittofs/interface'
import type { Identity } from '@dittofs/link'
import type { Memberships } from '@dittofs/membership'
import type { BundleTable } from './bundle/bundle-table.ts'
import type { ChangeSignal } from './change-signal.ts'
import type { Config } from './config/config-schema.ts'
import type { HeldChunks } from './content/held-chunks.ts'
import type { DeviceLabel } from './device-label.ts'
import type { DeviceFolders } from './folders/device-folders.ts'
import type { DeviceGateways } from './gateways/device-gateways.ts'
import type { Home } from './home/home.ts'
import type { GrowthBrake } from './limits/growth-brake.ts'
import type { DeviceLogger } from './logs/create-logger.ts'
import type { KnownStates } from './network/known-states.ts'
import type { Network } from './network/network.ts'
import type { Confirmations } from './pairing/confirmations.ts'
import type { DevicePins } from './pins/device-pins.ts'
import type { SharedGate } from './shared-gate.ts'
import type { SpaceFiles } from './space-files.ts'
import type { OpenSpace } from './spaces/open-space.ts'
import type { SpaceRegistry } from './spaces/space-registry.ts'
import type { Notices } from './state/notices.ts'
import type { Origins } from './state/origins.ts'
import type { StatusReport } from './status/status-report.ts'
import type { TransferTable } from './transfer/transfer-table.ts'
import type { DeviceVersions } from './versions/device-versions.ts'
import type { DeviceVolumes } from './volumes/device-volumes.ts'

/** What an opened device is made of; `openDevice` puts it together. */
export interface DeviceParts {
  readonly home: Home
  readonly config: Config
  readonly label: DeviceLabel
  readonly identity: Identity
  readonly logger: DeviceLogger
  readonly clock: Clock
  readonly notices: Notices
  readonly store: ChunkStore
  readonly readManifest: ReadManifest
  readonly spaces: SpaceRegistry
  readonly memberships: Memberships
  readonly confirmations: Confirmations
  readonly files: SpaceFiles
  readonly held: HeldChunks
  readonly origins: Origins
  readonly transfers: TransferTable
  readonly knownStates: KnownStates
  readonly bundles: BundleTable
  readonly randomBytes: RandomBytes
  /** Content of a space came by another way than from a peer. */
  readonly onImported: (space: OpenSpace) => void
  readonly folders: DeviceFolders
  readonly versions: DeviceVersions
  readonly pins: DevicePins
  readonly volumes: DeviceVolumes
  readonly gateways: DeviceGateways
  readonly growth: GrowthBrake
  readonly report: StatusReport
  readonly gate: SharedGate
  readonly changes: ChangeSignal
  /** Absent on a device that was opened without the network. */
  readonly network: Network | undefined
  /** Frees what the store no longer needs to hold. */
  readonly collect: (signal: AbortSignal) => Promise<{ readonly chunks: number; readonly bytes: number }>
  /** Closes all of the above, in the order in which they need each other. */
  readonly close: () => Promise<void>
}
