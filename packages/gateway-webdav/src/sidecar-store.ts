import {
  DittoError,
  type VolumeAttributes,
  type VolumeDirent,
  type VolumeEntry,
  type VolumeHandle,
  type VolumeRead,
} from '@dittofs/interface'
import { MAX_SIDECAR_BYTES, MAX_SIDECARS, MAX_SIDECARS_TOTAL_BYTES } from './limits.ts'

/** Cookies of a volume end below: a sidecar's is behind them all. */
export const FIRST_SIDECAR_COOKIE = 2n ** 63n

interface Sidecar {
  readonly handle: VolumeHandle
  readonly number: bigint
  directory: VolumeHandle
  name: string
  bytes: Buffer
  changes: number
  contentChanges: number
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
}

/** Whether macOS keeps such a file beside the ones a person made: attributes, and how a window looked. */
export function isSidecarName(name: string): boolean {
  return name.startsWith('._') || name === '.DS_Store'
}

/**
 * Sidecar files in memory, by the directory they stand in. When they become too many the oldest are dropped: whoever
 * wrote them can live without.
 */
export class SidecarStore {
  readonly #nowMs: () => number
  /** In the order in which they were last written. */
  readonly #byHandle = new Map<VolumeHandle, Sidecar>()
  readonly #byPlace = new Map<VolumeHandle, Map<string, Sidecar>>()
  #bytes = 0
  #next = 0n

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  has(handle: VolumeHandle): boolean {
    return this.#byHandle.has(handle)
  }

  directoryOf(handle: VolumeHandle): VolumeHandle {
    return this.#get(handle).directory
  }

  nameOf(handle: VolumeHandle): string {
    return this.#get(handle).name
  }

  find(directory: VolumeHandle, name: string): VolumeEntry | undefined {
    const sidecar = this.#byPlace.get(directory)?.get(name)
    return sidecar === undefined ? undefined : entryOf(sidecar)
  }

  attributes(handle: VolumeHandle): VolumeAttributes {
    return entryOf(this.#get(handle)).attributes
  }

  list(directory: VolumeHandle, after: bigint, limit: number): { entries: VolumeDirent[]; isEnd: boolean } {
    const all = [...(this.#byPlace.get(directory)?.values() ?? [])]
      .map((one) => ({ ...entryOf(one), name: one.name, cookie: FIRST_SIDECAR_COOKIE + one.number }))
      .filter(({ cookie }) => cookie > after)
      .sort((one, other) => (one.cookie < other.cookie ? -1 : 1))
    return { entries: all.slice(0, limit), isEnd: all.length <= limit }
  }

  create(directory: VolumeHandle, name: string, mode: number): VolumeEntry {
    this.#next += 1n
    const nowNs = this.#nowNs()
    const sidecar: Sidecar = {
      // No volume has `~` in its handles.
      handle: `~sidecar~${this.#next}` as VolumeHandle,
      number: this.#next,
      directory,
      name,
      bytes: Buffer.alloc(0),
      changes: 0,
      contentChanges: 0,
      mode,
      mtimeNs: nowNs,
      ctimeNs: nowNs,
    }
    this.#byHandle.set(sidecar.handle, sidecar)
    this.#place(sidecar)
    this.#makeRoom(sidecar)
    return entryOf(sidecar)
  }

  read(handle: VolumeHandle, offset: number, length: number): VolumeRead {
    const { bytes } = this.#get(handle)
    const { changeTag } = this.attributes(handle)
    const part = Uint8Array.from(bytes.subarray(offset, offset + length))
    return { bytes: part, isEnd: offset + length >= bytes.length, changeTag }
  }

  /** @throws DittoError DITTO_LIMIT past MAX_SIDECAR_BYTES; nothing is changed then */
  replace(handle: VolumeHandle, bytes: Uint8Array, mtimeNs = this.#nowNs()): VolumeAttributes {
    const sidecar = this.#get(handle)
    this.#resize(sidecar, bytes.length)
    sidecar.bytes.set(bytes)
    return this.#changed(sidecar, mtimeNs)
  }

  /** @throws DittoError DITTO_LIMIT past MAX_SIDECAR_BYTES */
  write(handle: VolumeHandle, bytes: Uint8Array, offset: number): VolumeAttributes {
    const sidecar = this.#get(handle)
    this.#resize(sidecar, Math.max(sidecar.bytes.length, offset + bytes.length))
    sidecar.bytes.set(bytes, offset)
    return this.#changed(sidecar, this.#nowNs())
  }

  setAttributes(handle: VolumeHandle, change: { mode?: number; size?: number; mtimeNs?: bigint }): VolumeAttributes {
    const sidecar = this.#get(handle)
    if (change.size !== undefined) this.#resize(sidecar, change.size)
    sidecar.mode = change.mode ?? sidecar.mode
    return this.#changed(sidecar, change.mtimeNs ?? sidecar.mtimeNs)
  }

  move(handle: VolumeHandle, directory: VolumeHandle, name: string): void {
    const sidecar = this.#get(handle)
    const there = this.#byPlace.get(directory)?.get(name)
    if (there === sidecar) return
    if (there !== undefined) this.remove(there.handle)
    this.#unplace(sidecar)
    sidecar.directory = directory
    sidecar.name = name
    this.#place(sidecar)
  }

  remove(handle: VolumeHandle): void {
    const sidecar = this.#get(handle)
    this.#unplace(sidecar)
    this.#byHandle.delete(handle)
    this.#bytes -= sidecar.bytes.length
  }

  /** Forgets what stood in a directory that is gone. */
  removeAllIn(directory: VolumeHandle): void {
    for (const sidecar of [...(this.#byPlace.get(directory)?.values() ?? [])]) this.remove(sidecar.handle)
  }

  #get(handle: VolumeHandle): Sidecar {
    const sidecar = this.#byHandle.get(handle)
    if (sidecar === undefined) throw new DittoError('DITTO_HANDLE_STALE', 'This sidecar file is no longer there.')
    return sidecar
  }

  #place(sidecar: Sidecar): void {
    const names = this.#byPlace.get(sidecar.directory) ?? new Map<string, Sidecar>()
    this.#byPlace.set(sidecar.directory, names.set(sidecar.name, sidecar))
  }

  #unplace(sidecar: Sidecar): void {
    const names = this.#byPlace.get(sidecar.directory)
    names?.delete(sidecar.name)
    if (names?.size === 0) this.#byPlace.delete(sidecar.directory)
  }

  #resize(sidecar: Sidecar, size: number): void {
    if (size > MAX_SIDECAR_BYTES) {
      throw new DittoError(
        'DITTO_LIMIT',
        `A file such as "${sidecar.name}" may have at most ${MAX_SIDECAR_BYTES} bytes.`,
      )
    }
    sidecar.contentChanges += 1
    const bytes = Buffer.alloc(size)
    sidecar.bytes.copy(bytes)
    this.#bytes += size - sidecar.bytes.length
    sidecar.bytes = bytes
    this.#makeRoom(sidecar)
  }

  #changed(sidecar: Sidecar, mtimeNs: bigint): VolumeAttributes {
    sidecar.changes += 1
    sidecar.mtimeNs = mtimeNs
    sidecar.ctimeNs = mtimeNs > this.#nowNs() ? mtimeNs : this.#nowNs()
    this.#byHandle.delete(sidecar.handle)
    this.#byHandle.set(sidecar.handle, sidecar)
    return entryOf(sidecar).attributes
  }

  #makeRoom(keep: Sidecar): void {
    for (const sidecar of this.#byHandle.values()) {
      if (this.#byHandle.size <= MAX_SIDECARS && this.#bytes <= MAX_SIDECARS_TOTAL_BYTES) return
      if (sidecar !== keep) this.remove(sidecar.handle)
    }
  }

  #nowNs(): bigint {
    return BigInt(Math.floor(this.#nowMs())) * 1_000_000n
  }
}

function entryOf(sidecar: Sidecar): VolumeEntry {
  return {
    handle: sidecar.handle,
    attributes: {
      kind: 'file',
      mode: sidecar.mode,
      size: sidecar.bytes.length,
      heldBytes: sidecar.bytes.length,
      mtimeNs: sidecar.mtimeNs,
      ctimeNs: sidecar.ctimeNs,
      fileId: 2n ** 63n + sidecar.number,
      changeTag: `sidecar-${sidecar.number}-${sidecar.changes}`,
      contentTag: `sidecar-${sidecar.number}-c${sidecar.contentChanges}`,
    },
  }
}
