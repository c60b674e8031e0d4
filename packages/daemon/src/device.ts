import { setMaxListeners } from 'node:events'
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
  type Volume,
  type WaitingDevice,
} from '@dittofs/interface'
import { exportBundle } from './bundle/export-bundle.ts'
import { importBundle } from './bundle/import-bundle.ts'
import { missingChunksError } from './content/content-fetcher.ts'
import type { DeviceParts } from './device-parts.ts'
import { checkDevice } from './doctor/integrity/check-device.ts'
import { checkStore } from './doctor/integrity/check-store.ts'
import { fromLevelError } from './home/level-fault.ts'
import { acceptGrowth } from './limits/accept-growth.ts'
import { verifyStore } from './maintenance/verify-store.ts'
import { DeviceMetrics } from './metrics/device-metrics.ts'
import { inviteTo, listInvitations, revokeInvitation } from './pairing/invitations.ts'
import { findMember, removeMember } from './pairing/remove-member.ts'
import { adoptSpace } from './spaces/adopt-space.ts'
import { createSpace } from './spaces/create-space.ts'
import type { OpenSpace } from './spaces/open-space.ts'
import { otherMembers } from './spaces/other-members.ts'
import { selectSpace } from './spaces/select-space.ts'
import { EventQueue } from './transfer/event-queue.ts'
import { receiveFiles } from './transfer/receive-files.ts'
import { sendFiles } from './transfer/send-files.ts'

/** The device in this process: every call goes to the part that does it. */
export class LocalDevice implements Device {
  readonly id: DeviceId
  readonly folders: LiveFolders
  readonly versions: Versions
  readonly pins: Pins
  readonly gateways: Gateways
  readonly #parts: DeviceParts
  readonly #metrics = new DeviceMetrics()
  /** What must be through before the parts are closed. */
  readonly #running = new Set<Promise<unknown>>()
  readonly #stop = new AbortController()
  #closing: Promise<void> | undefined

  constructor(parts: DeviceParts) {
    this.#parts = parts
    this.id = parts.identity.id
    this.folders = parts.folders
    this.versions = parts.versions
    this.pins = parts.pins
    this.gateways = parts.gateways
  }

  /** Where the device keeps everything, as a real path. */
  get home(): string {
    return this.#parts.home.path
  }

  /** Where other devices can reach this one; empty without the network. */
  get addresses(): readonly string[] {
    return this.#parts.network?.addresses() ?? []
  }

  /** Serves the gateways that are to serve whenever the daemon runs. */
  async serveKept(): Promise<void> {
    await this.#run({}, () => this.#parts.gateways.serveKept())
  }

  get logger(): DeviceParts['logger'] {
    return this.#parts.logger
  }

  async status(options: AbortOptions = {}): Promise<DeviceStatus> {
    return this.#run(options, () => this.#parts.report.status())
  }

  /** The state of the device and its process in the text format of Prometheus. */
  async metrics(): Promise<string> {
    const traffic = this.#parts.network?.traffic() ?? { sent: 0, received: 0 }
    return this.#metrics.render(await this.status(), traffic)
  }

  async devices(): Promise<readonly DeviceInfo[]> {
    return this.#run({}, async () => this.#parts.report.devices())
  }

  async removeDevice(id: string, options: { space?: string } = {}): Promise<readonly DeviceInfo[]> {
    return this.#run({}, () => removeMember(this.#parts, id, options.space))
  }

  async renameDevice(name: string): Promise<void> {
    await this.#run({}, () => this.#parts.label.rename(name))
    this.#parts.changes.raise()
  }

  async spaces(): Promise<readonly SpaceInfo[]> {
    return this.#run({}, () => this.#parts.report.spaces())
  }

  async createSpace(name: string, options: { chunker?: ChunkerKind } = {}): Promise<SpaceInfo> {
    return this.#run({}, async () => {
      const space = await createSpace(this.#parts, name, options.chunker)
      this.#parts.network?.secretsChanged()
      return this.#parts.report.space(space)
    })
  }

  async adoptSpace(space: string, options: ProgressOptions & { as?: string } = {}): Promise<AdoptResult> {
    return this.#run(options, (bound) => adoptSpace(this.#parts, this.#space(space), bound))
  }

  async acceptGrowth(options: { space?: string } = {}): Promise<readonly AcceptedGrowth[]> {
    return this.#run({}, () =>
      acceptGrowth(this.#parts, options.space === undefined ? this.#parts.spaces.all() : [this.#space(options.space)]),
    )
  }

  async invite(options: InviteOptions = {}): Promise<Invitation> {
    return this.#run({}, () => inviteTo(this.#parts, this.#space(options.space), options))
  }

  async invitations(): Promise<readonly OpenInvitation[]> {
    return this.#run({}, async () => listInvitations(this.#parts))
  }

  async revokeInvitation(id: string): Promise<void> {
    await this.#run({}, () => revokeInvitation(this.#parts, id))
  }

  async confirmInvitation(id: string, digits: string): Promise<WaitingDevice> {
    return this.#run({}, () => this.#parts.confirmations.confirm(id, digits))
  }

  async join(ticket: string, options: ProgressOptions = {}): Promise<JoinResult> {
    return this.#run(options, (bound) => this.#network('join a space').join(ticket, bound))
  }

  async add(sources: readonly string[], options: AddOptions = {}): Promise<AddResult> {
    return this.#run(options, (bound) => this.#parts.files.add(this.#space(options.space), sources, bound))
  }

  async *list(path = '', options: ListOptions = {}): AsyncGenerator<readonly ListEntry[]> {
    this.#refuseWhenClosed()
    options.signal?.throwIfAborted()
    yield* this.#parts.files.list(this.#space(options.space), path, this.#bound(options))
  }

  async get(path: string, options: GetOptions): Promise<GetResult> {
    return this.#run(options, (bound) => this.#parts.files.get(this.#space(options.space), path, bound))
  }

  async getChunks(ids: readonly ChunkId[], options: GetOptions & { output: string }): Promise<GetResult> {
    return this.#run(options, (bound) => {
      const ensure = (space: OpenSpace, missing: readonly ChunkId[]) => {
        const { network } = this.#parts
        if (network === undefined) throw missingChunksError(missing)
        return network.fetchChunks(space, missing, { signal: bound.signal })
      }
      return this.#parts.files.getChunks(this.#space(options.space), ids, bound, ensure)
    })
  }

  async *read(
    path: string,
    options: AbortOptions & { space?: string; start?: number; end?: number } = {},
  ): AsyncGenerator<Uint8Array> {
    this.#refuseWhenClosed()
    options.signal?.throwIfAborted()
    yield* this.#parts.files.read(this.#space(options.space), path, this.#bound(options))
  }

  async move(from: string, to: string, options: { space?: string } = {}): Promise<void> {
    await this.#run({}, () => this.#parts.files.move(this.#space(options.space), from, to))
  }

  async remove(path: string, options: { space?: string } = {}): Promise<void> {
    await this.#run({}, () => this.#parts.files.remove(this.#space(options.space), path))
  }

  async *send(sources: readonly string[], options: SendOptions = {}): AsyncGenerator<readonly SendEvent[]> {
    this.#refuseWhenClosed()
    const network = this.#network('send')
    const isProgress = (event: SendEvent) => event.kind === 'progress'
    const events = new EventQueue<SendEvent>((last, next) => isProgress(last) && isProgress(next))
    const over = new AbortController()
    const signal = options.signal === undefined ? over.signal : AbortSignal.any([options.signal, over.signal])
    const running = this.#run({ ...options, signal }, (bound) =>
      sendFiles(this.#parts, network, sources, bound, (event) => events.push(event)),
    ).finally(() => events.end())
    running.catch(() => undefined)
    try {
      yield* events.batches()
      await running
    } finally {
      over.abort(new DittoError('DITTO_CLOSED', 'The transfer was called off.'))
      await running.catch(() => undefined)
    }
  }

  async receive(ticket: string, options: ReceiveOptions): Promise<ReceiveResult> {
    return this.#run(options, (bound) => receiveFiles(this.#parts, this.#network('receive'), ticket, bound))
  }

  async exportBundle(target: string, options: ExportOptions): Promise<ExportResult> {
    return this.#run(options, (bound) => exportBundle(this.#parts, this.#space(options.space), target, bound))
  }

  async importBundle(file: string, options: ProgressOptions = {}): Promise<ImportBundleResult> {
    return this.#run(options, (bound) => importBundle(this.#parts, file, bound))
  }

  async sync(options: SyncOptions = {}): Promise<SyncResult> {
    return this.#run(options, async (bound) => {
      const synced = await this.#network('sync').sync(bound)
      return { ...synced, waiting: this.#parts.report.waiting() }
    })
  }

  async waitUntilSynced(options: AbortOptions = {}): Promise<void> {
    await this.#run(options, async (bound) => {
      const { folders, network } = this.#parts
      folders.rescanAll()
      do {
        await folders.whenSettled(bound)
        await network?.waitUntilSynced(bound)
        // What has come since is put into the folders; what nobody has is not waited for.
        folders.contentCame()
        await folders.whenSettled(bound)
      } while (network?.isSynced === false)
    })
  }

  async verify(options: ProgressOptions & { repair?: boolean } = {}): Promise<VerifyResult> {
    return this.#run(options, async (bound) => {
      const { network, spaces, report, notices } = this.#parts
      const init = {
        ...this.#parts,
        spaces: spaces.all(),
        ...(network === undefined
          ? {}
          : {
              repair: async (...call: Parameters<typeof network.fetchChunks>) =>
                void (await network.fetchChunks(...call)),
            }),
      }
      const result = await verifyStore(init, bound)
      if (result.damaged.length > 0) {
        report.contentChanged()
        await notices.add(`${result.damaged.length} damaged chunks were found; ${result.repaired} were repaired.`)
        this.#parts.changes.raise()
      }
      return result
    })
  }

  async checkPatterns(device: string, options: AbortOptions & { seed?: string } = {}): Promise<PatternCheckResult> {
    return this.#run(options, (bound) => {
      const { spaces, identity } = this.#parts
      const key = findMember([...otherMembers(spaces.all(), identity.key).keys()], device)
      return checkDevice(this.#parts, this.#network('check another device'), checkStore, key, bound)
    })
  }

  async collect(options: AbortOptions = {}): Promise<{ readonly chunks: number; readonly bytes: number }> {
    return this.#run(options, ({ signal }) => this.#parts.collect(signal))
  }

  onChange(listener: () => void): Unsubscribe {
    return this.#parts.changes.listen(listener)
  }

  /**
   * A space as a file system, for gateways. It is the same one at each call, and closes with the device.
   *
   * @param space - name or ID; the only space where it is left out
   */
  volume(space?: string): Promise<Volume> {
    return this.#run({}, () => this.#parts.volumes.get(this.#space(space)))
  }

  /** Stops what is running, keeps what is done, and releases everything. Calling it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#stop.abort(closed())
    this.#parts.changes.clear()
    await Promise.allSettled(this.#running)
    this.#metrics.close()
    await this.#parts.close()
  }

  async #run<Options extends AbortOptions, T>(
    options: Options,
    work: (bound: Options & { signal: AbortSignal }) => T | Promise<T>,
  ): Promise<T> {
    this.#refuseWhenClosed()
    const bound = this.#bound(options)
    bound.signal.throwIfAborted()
    const running = (async () => work(bound))()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      throw fromLevelError(error, `work in the home ${JSON.stringify(this.home)}`)
    } finally {
      this.#running.delete(running)
    }
  }

  /** The caller's signal, joined with the device's own end. */
  #bound<Options extends AbortOptions>(options: Options): Options & { signal: AbortSignal } {
    const signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal])
    // Each of the many files of one call listens to it for a while: that is no leak.
    setMaxListeners(0, signal)
    return { ...options, signal }
  }

  #space(wanted: string | undefined): OpenSpace {
    return selectSpace(this.#parts.spaces.all(), wanted)
  }

  #network(purpose: string) {
    const { network } = this.#parts
    if (network !== undefined) return network
    throw new DittoError(
      'DITTO_UNSUPPORTED',
      `This device was opened without the network, which it needs to ${purpose}; start "dittofs daemon" first.`,
    )
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined) throw closed()
  }
}

function closed(): DittoError {
  return new DittoError('DITTO_CLOSED', 'The device was closed.')
}
