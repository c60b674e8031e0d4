import path from 'node:path'
import {
  type AbortOptions,
  type AcceptedGrowth,
  type AddOptions,
  type AddResult,
  type AdoptResult,
  type ChunkerKind,
  type ChunkId,
  type Device,
  type DeviceId,
  type DeviceInfo,
  type DeviceStatus,
  DittoError,
  type ExportOptions,
  type ExportResult,
  type Gateways,
  type GetOptions,
  type GetResult,
  type ImportBundleResult,
  type Invitation,
  type InviteOptions,
  type JoinResult,
  type ListEntry,
  type ListOptions,
  type LiveFolders,
  type OpenInvitation,
  type PatternCheckResult,
  type Pins,
  type ProgressOptions,
  type ReceiveOptions,
  type ReceiveResult,
  type SendEvent,
  type SendOptions,
  type SpaceInfo,
  type SyncOptions,
  type SyncResult,
  type Unsubscribe,
  type VerifyResult,
  type Versions,
  type WaitingDevice,
} from '@dittofs/interface'
import { connectedFolders } from './connected-folders.ts'
import { connectedGateways } from './connected-gateways.ts'
import { connectedPins } from './connected-pins.ts'
import { connectedVersions } from './connected-versions.ts'
import { findControlAddress } from './control-address.ts'
import { ControlClient } from './control-client.ts'
import { CONTROL_VERSION } from './control-lines.ts'

/** A daemon answers at once or is in trouble. */
const GREETING_TIMEOUT_MS = 10_000

export interface ConnectDeviceInit {
  /** The device's home directory, absolute. */
  home: string
}

/**
 * Connects to the daemon that runs for a home. `close` ends the connection; the daemon goes on.
 *
 * @throws DittoError DITTO_DAEMON_UNREACHABLE (none runs), DITTO_HOME_UNSAFE, DITTO_PROTOCOL_VERSION, DITTO_TIMEOUT,
 *   DITTO_PERMISSION
 */
export async function connectDevice(init: ConnectDeviceInit, options: AbortOptions = {}): Promise<Device> {
  const address = await findControlAddress(path.join(init.home, 'run'))
  if (address === undefined) {
    throw new DittoError('DITTO_DAEMON_UNREACHABLE', 'No daemon runs for this home; start one with "dittofs daemon".')
  }
  const client = new ControlClient(address)
  return new ConnectedDevice(client, await greet(client, options.signal))
}

async function greet(client: ControlClient, signal: AbortSignal | undefined): Promise<DeviceId> {
  const patience = AbortSignal.timeout(GREETING_TIMEOUT_MS)
  const either = signal === undefined ? patience : AbortSignal.any([signal, patience])
  const health = (await client.get('/health', { signal: either }).catch((error: unknown) => {
    if (error !== patience.reason) throw error
    throw new DittoError('DITTO_TIMEOUT', 'The daemon of this home does not answer; end it and start it again.')
  })) as { version?: unknown; device?: { id?: unknown } } | null
  const id = health?.device?.id
  if (health?.version !== CONTROL_VERSION || typeof id !== 'string') {
    throw new DittoError(
      'DITTO_PROTOCOL_VERSION',
      'The daemon of this home is of another version than this program; stop it and start it again.',
    )
  }
  return id as DeviceId
}

class ConnectedDevice implements Device {
  readonly id: DeviceId
  readonly folders: LiveFolders
  readonly versions: Versions
  readonly pins: Pins
  readonly gateways: Gateways
  readonly #client: ControlClient
  readonly #listeners = new Map<symbol, () => void>()
  #watching: AbortController | undefined

  constructor(client: ControlClient, id: DeviceId) {
    this.#client = client
    this.id = id
    this.folders = connectedFolders(client)
    this.versions = connectedVersions(client)
    this.pins = connectedPins(client)
    this.gateways = connectedGateways(client)
  }

  status(options: AbortOptions = {}): Promise<DeviceStatus> {
    return this.#client.call('status', {}, options)
  }

  devices(): Promise<readonly DeviceInfo[]> {
    return this.#client.call('devices', {})
  }

  removeDevice(id: string, options: { space?: string } = {}): Promise<readonly DeviceInfo[]> {
    return this.#client.call('removeDevice', { ...options, id })
  }

  renameDevice(name: string): Promise<void> {
    return this.#client.call('renameDevice', { name })
  }

  spaces(): Promise<readonly SpaceInfo[]> {
    return this.#client.call('spaces', {})
  }

  createSpace(name: string, options: { chunker?: ChunkerKind } = {}): Promise<SpaceInfo> {
    return this.#client.call('createSpace', { ...options, name })
  }

  adoptSpace(space: string, options: ProgressOptions & { as?: string } = {}): Promise<AdoptResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('adoptSpace', { ...parameters, space }, options)
  }

  acceptGrowth(options: { space?: string } = {}): Promise<readonly AcceptedGrowth[]> {
    return this.#client.call('acceptGrowth', options)
  }

  invite(options: InviteOptions = {}): Promise<Invitation> {
    return this.#client.call('invite', options)
  }

  invitations(): Promise<readonly OpenInvitation[]> {
    return this.#client.call('invitations', {})
  }

  revokeInvitation(id: string): Promise<void> {
    return this.#client.call('revokeInvitation', { id })
  }

  confirmInvitation(id: string, digits: string): Promise<WaitingDevice> {
    return this.#client.call('confirmInvitation', { id, digits })
  }

  join(ticket: string, options: ProgressOptions = {}): Promise<JoinResult> {
    return this.#client.call('join', { ticket }, options)
  }

  add(sources: readonly string[], options: AddOptions = {}): Promise<AddResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('add', { ...parameters, sources: [...sources] }, options)
  }

  list(listed = '', options: ListOptions = {}): AsyncIterable<readonly ListEntry[]> {
    const { signal: _signal, ...parameters } = options
    return this.#client.stream('list', { ...parameters, path: listed }, options)
  }

  get(got: string, options: GetOptions): Promise<GetResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('get', { ...parameters, path: got }, options)
  }

  getChunks(ids: readonly ChunkId[], options: GetOptions & { output: string }): Promise<GetResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('getChunks', { ...parameters, ids: [...ids] }, options)
  }

  read(
    read: string,
    options: AbortOptions & { space?: string; start?: number; end?: number } = {},
  ): AsyncIterable<Uint8Array> {
    const { signal: _signal, ...parameters } = options
    return this.#client.bytes('read', { ...parameters, path: read }, options)
  }

  move(from: string, to: string, options: { space?: string } = {}): Promise<void> {
    return this.#client.call('move', { ...options, from, to })
  }

  remove(removed: string, options: { space?: string } = {}): Promise<void> {
    return this.#client.call('remove', { ...options, path: removed })
  }

  send(sources: readonly string[], options: SendOptions = {}): AsyncIterable<readonly SendEvent[]> {
    const { signal: _signal, ...parameters } = options
    return this.#client.stream('send', { ...parameters, sources: [...sources] }, options)
  }

  receive(ticket: string, options: ReceiveOptions): Promise<ReceiveResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('receive', { ...parameters, ticket }, options)
  }

  exportBundle(target: string, options: ExportOptions): Promise<ExportResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('exportBundle', { ...parameters, target }, options)
  }

  importBundle(file: string, options: ProgressOptions = {}): Promise<ImportBundleResult> {
    return this.#client.call('importBundle', { file }, options)
  }

  sync(options: SyncOptions = {}): Promise<SyncResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('sync', parameters, options)
  }

  waitUntilSynced(options: AbortOptions = {}): Promise<void> {
    return this.#client.call('waitUntilSynced', {}, options)
  }

  verify(options: ProgressOptions & { repair?: boolean } = {}): Promise<VerifyResult> {
    const { signal: _signal, onProgress: _onProgress, ...parameters } = options
    return this.#client.call('verify', parameters, options)
  }

  checkPatterns(device: string, options: AbortOptions & { seed?: string } = {}): Promise<PatternCheckResult> {
    const { signal: _signal, ...parameters } = options
    return this.#client.call('checkPatterns', { ...parameters, device }, options)
  }

  collect(options: AbortOptions = {}): Promise<{ readonly chunks: number; readonly bytes: number }> {
    return this.#client.call('collect', {}, options)
  }

  /** Also called once when the connection stands, and once when the daemon has ended. */
  onChange(listener: () => void): Unsubscribe {
    const key = Symbol('listener')
    this.#listeners.set(key, listener)
    if (this.#watching === undefined) {
      this.#watching = new AbortController()
      void this.#watch(this.#watching.signal)
    }
    return () => {
      this.#listeners.delete(key)
      if (this.#listeners.size > 0) return
      this.#watching?.abort()
      this.#watching = undefined
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    this.#client.close()
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const tell = () => {
      for (const listener of [...this.#listeners.values()]) listener()
    }
    try {
      for await (const _ of this.#client.stream('changes', {}, { signal })) tell()
    } catch {
      // The listeners' next call says why.
      if (!signal.aborted) tell()
    }
  }
}
