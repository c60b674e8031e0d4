import {
  type AbortOptions,
  type AttributeChange,
  type ByteRange,
  type ContentSource,
  type CreateOptions,
  type CreateWithContentOptions,
  DittoError,
  isDittoError,
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
} from '@dittofs/interface'
import { MAX_SIDECAR_BYTES } from './limits.ts'
import { FIRST_SIDECAR_COOKIE, isSidecarName, type SidecarStore } from './sidecar-store.ts'

/**
 * A volume beside which new sidecar files are kept in memory, or refused where there is no store for them. Those that
 * the volume has already are shown and changed as any file.
 */
export class SidecarVolume implements Volume {
  readonly #volume: Volume
  readonly #sidecars: SidecarStore | undefined

  constructor(volume: Volume, sidecars: SidecarStore | undefined) {
    this.#volume = volume
    this.#sidecars = sidecars
  }

  get root(): VolumeHandle {
    return this.#volume.root
  }

  get isReadOnly(): boolean {
    return this.#volume.isReadOnly
  }

  get writeVerifier(): Uint8Array {
    return this.#volume.writeVerifier
  }

  async attributes(handle: VolumeHandle): Promise<VolumeAttributes> {
    return this.#of(handle)?.attributes(handle) ?? this.#volume.attributes(handle)
  }

  async lookup(directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    return this.#sidecars?.find(directory, name) ?? this.#volume.lookup(directory, name)
  }

  async find(names: readonly string[]): Promise<VolumePlace | undefined> {
    const place = await this.#volume.find(names)
    const name = names.at(-1) ?? ''
    if (place === undefined || !isSidecarName(name)) return place
    const sidecar = this.#sidecars?.find(place.directory, name)
    return sidecar === undefined ? place : { directory: place.directory, entry: sidecar }
  }

  async parent(handle: VolumeHandle): Promise<VolumeEntry> {
    const directory = this.#of(handle)?.directoryOf(handle)
    if (directory === undefined) return this.#volume.parent(handle)
    return { handle: directory, attributes: await this.#volume.attributes(directory) }
  }

  async path(handle: VolumeHandle): Promise<readonly string[]> {
    const store = this.#of(handle)
    if (store === undefined) return this.#volume.path(handle)
    return [...(await this.#volume.path(store.directoryOf(handle))), store.nameOf(handle)]
  }

  async readDirectory(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ readonly entries: readonly VolumeDirent[]; readonly isEnd: boolean }> {
    if (this.#sidecars === undefined) return this.#volume.readDirectory(directory, options)
    const sidecars = this.#sidecars.list(directory, options.after, options.limit)
    if (options.after >= FIRST_SIDECAR_COOKIE) return sidecars
    const listed = await this.#volume.readDirectory(directory, options)
    if (!listed.isEnd) return listed
    const room = options.limit - listed.entries.length
    return {
      entries: [...listed.entries, ...sidecars.entries.slice(0, room)],
      isEnd: sidecars.isEnd && sidecars.entries.length <= room,
    }
  }

  async readNames(
    directory: VolumeHandle,
    options: ReadDirectoryOptions,
  ): Promise<{ readonly entries: readonly VolumeName[]; readonly isEnd: boolean }> {
    if (this.#sidecars === undefined) return this.#volume.readNames(directory, options)
    const { entries, isEnd } = await this.readDirectory(directory, options)
    return {
      entries: entries.map(({ name, cookie, attributes: { fileId } }) => {
        return { name, cookie, fileId }
      }),
      isEnd,
    }
  }

  async readLink(handle: VolumeHandle): Promise<string> {
    return this.#volume.readLink(handle)
  }

  async read(handle: VolumeHandle, options: ReadOptions): Promise<VolumeRead> {
    return this.#of(handle)?.read(handle, options.offset, options.length) ?? this.#volume.read(handle, options)
  }

  async readPieces(handle: VolumeHandle, options: ReadOptions): Promise<VolumePieces> {
    const read = this.#of(handle)?.read(handle, options.offset, options.length)
    if (read === undefined) return this.#volume.readPieces(handle, options)
    return { pieces: [read.bytes], isEnd: read.isEnd, changeTag: read.changeTag }
  }

  async write(handle: VolumeHandle, bytes: Uint8Array, options: WriteOptions): Promise<VolumeAttributes> {
    return this.#of(handle)?.write(handle, bytes, options.offset) ?? this.#volume.write(handle, bytes, options)
  }

  async commit(handle: VolumeHandle, options?: AbortOptions): Promise<VolumeAttributes> {
    return this.#of(handle)?.attributes(handle) ?? this.#volume.commit(handle, options)
  }

  async replaceContent(
    handle: VolumeHandle,
    source: ContentSource,
    options: ReplaceContentOptions = {},
  ): Promise<VolumeAttributes> {
    const store = this.#of(handle)
    if (store === undefined) return this.#volume.replaceContent(handle, source, options)
    const bytes = await sidecarBytes(source, options)
    return store.replace(handle, bytes, options.mtimeNs)
  }

  async setAttributes(handle: VolumeHandle, change: AttributeChange): Promise<VolumeAttributes> {
    return this.#of(handle)?.setAttributes(handle, change) ?? this.#volume.setAttributes(handle, change)
  }

  async create(directory: VolumeHandle, name: string, options: CreateOptions): Promise<VolumeEntry> {
    if (!isSidecarName(name)) return this.#volume.create(directory, name, options)
    const there = await this.#find(directory, name)
    if (there !== undefined && options.rule === 'guarded') throw exists(name)
    if (there !== undefined) return there
    return this.#storeFor(name).create(directory, name, options.mode)
  }

  async createWithContent(
    directory: VolumeHandle,
    name: string,
    source: ContentSource,
    options: CreateWithContentOptions,
  ): Promise<VolumeEntry> {
    if (!isSidecarName(name)) return this.#volume.createWithContent(directory, name, source, options)
    if ((await this.#find(directory, name)) !== undefined) throw exists(name)
    const store = this.#storeFor(name)
    const bytes = await sidecarBytes(source, options)
    if ((await this.#find(directory, name)) !== undefined) throw exists(name)
    const { handle } = store.create(directory, name, options.mode)
    return { handle, attributes: store.replace(handle, bytes, options.mtimeNs) }
  }

  async makeDirectory(directory: VolumeHandle, name: string, mode: number): Promise<VolumeEntry> {
    if (this.#sidecars?.find(directory, name) !== undefined) throw exists(name)
    return this.#volume.makeDirectory(directory, name, mode)
  }

  async makeSymlink(directory: VolumeHandle, name: string, target: string): Promise<VolumeEntry> {
    if (this.#sidecars?.find(directory, name) !== undefined) throw exists(name)
    return this.#volume.makeSymlink(directory, name, target)
  }

  async removeFile(directory: VolumeHandle, name: string): Promise<void> {
    const sidecar = this.#sidecars?.find(directory, name)
    if (sidecar === undefined) await this.#volume.removeFile(directory, name)
    else this.#sidecars?.remove(sidecar.handle)
  }

  async removeDirectory(directory: VolumeHandle, name: string): Promise<void> {
    const found = await this.#findReal(directory, name)
    await this.#volume.removeDirectory(directory, name)
    if (found !== undefined) this.#sidecars?.removeAllIn(found.handle)
  }

  async removeTree(directory: VolumeHandle, name: string): Promise<void> {
    const sidecar = this.#sidecars?.find(directory, name)
    if (sidecar !== undefined) return this.#sidecars?.remove(sidecar.handle)
    const found = await this.#findReal(directory, name)
    await this.#volume.removeTree(directory, name)
    if (found !== undefined) this.#sidecars?.removeAllIn(found.handle)
  }

  async rename(from: VolumeHandle, fromName: string, to: VolumeHandle, toName: string): Promise<void> {
    const source = this.#sidecars?.find(from, fromName)
    if (source !== undefined) {
      if (isSidecarName(toName) && (await this.#findReal(to, toName)) === undefined) {
        this.#sidecars?.move(source.handle, to, toName)
      } else {
        await this.#makeReal(source.handle, to, toName, 'unchecked')
        this.#sidecars?.remove(source.handle)
      }
      return
    }
    if (isSidecarName(toName) && !isSidecarName(fromName)) this.#storeFor(toName)
    await this.#volume.rename(from, fromName, to, toName)
    const covered = this.#sidecars?.find(to, toName)
    if (covered !== undefined) this.#sidecars?.remove(covered.handle)
  }

  async copyFile(handle: VolumeHandle, directory: VolumeHandle, name: string): Promise<VolumeEntry> {
    if (isSidecarName(name) && (await this.#find(directory, name)) !== undefined) throw exists(name)
    const source = this.#of(handle)
    if (source === undefined) {
      if (isSidecarName(name)) this.#storeFor(name)
      return this.#volume.copyFile(handle, directory, name)
    }
    if (!isSidecarName(name)) return this.#makeReal(handle, directory, name, 'guarded')
    const { size, mode, mtimeNs } = source.attributes(handle)
    const copy = source.create(directory, name, mode)
    source.write(copy.handle, source.read(handle, 0, size).bytes, 0)
    return { handle: copy.handle, attributes: source.setAttributes(copy.handle, { mtimeNs }) }
  }

  async statistics(): Promise<VolumeStatistics> {
    return this.#volume.statistics()
  }

  #of(handle: VolumeHandle): SidecarStore | undefined {
    return this.#sidecars?.has(handle) === true ? this.#sidecars : undefined
  }

  #storeFor(name: string): SidecarStore {
    if (this.#volume.isReadOnly) throw new DittoError('DITTO_ROLE', 'This device may only read this space.')
    if (this.#sidecars !== undefined) return this.#sidecars
    throw new DittoError('DITTO_PATH_INVALID', `Files such as "${name}" are not taken here.`)
  }

  async #find(directory: VolumeHandle, name: string): Promise<VolumeEntry | undefined> {
    return this.#sidecars?.find(directory, name) ?? this.#findReal(directory, name)
  }

  async #findReal(directory: VolumeHandle, name: string): Promise<VolumeEntry | undefined> {
    return this.#volume.lookup(directory, name).catch((error: unknown) => {
      if (isDittoError(error, 'DITTO_NOT_FOUND')) return undefined
      throw error
    })
  }

  /** A sidecar gets a name that a person gave: it becomes a file of the volume. */
  async #makeReal(
    handle: VolumeHandle,
    directory: VolumeHandle,
    name: string,
    rule: CreateOptions['rule'],
  ): Promise<VolumeEntry> {
    const store = this.#sidecars as SidecarStore
    const { size, mode } = store.attributes(handle)
    const { bytes } = store.read(handle, 0, size)
    const source = { size, read: async ({ start, end }: ByteRange) => bytes.subarray(start, end) }
    const there = rule === 'guarded' ? undefined : await this.#findReal(directory, name)
    if (there === undefined) return this.#volume.createWithContent(directory, name, source, { mode })
    return { handle: there.handle, attributes: await this.#volume.replaceContent(there.handle, source) }
  }
}

function exists(name: string): DittoError {
  return new DittoError('DITTO_EXISTS', `"${name}" is there already.`)
}

/** @throws DittoError DITTO_LIMIT past MAX_SIDECAR_BYTES */
async function sidecarBytes(source: ContentSource, { signal }: AbortOptions): Promise<Buffer> {
  const { size } = source
  if (size > MAX_SIDECAR_BYTES) {
    throw new DittoError('DITTO_LIMIT', `A file of this kind may have at most ${MAX_SIDECAR_BYTES} bytes.`)
  }
  const pieces: Uint8Array[] = []
  for (let start = 0; start < size; start += MAX_TRANSFER_BYTES) {
    const range = { start, end: Math.min(start + MAX_TRANSFER_BYTES, size) }
    pieces.push(await source.read(range, signal === undefined ? {} : { signal }))
  }
  return Buffer.concat(pieces)
}
