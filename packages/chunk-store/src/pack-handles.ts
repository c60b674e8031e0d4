import path from 'node:path'
import { DittoError } from '@dittofs/interface'
import type { PackFile, PackFileSystem } from './pack-file-system.ts'
import { packName } from './pack-format.ts'

/** Packs kept open for reading: what runs out is file descriptors. */
const MAX_OPEN_PACKS = 32

interface Handle {
  readonly opening: Promise<PackFile>
  readers: number
  isDropped: boolean
}

/** Packs open for reading, the least recently used closed first. */
export class PackHandles {
  readonly #fileSystem: PackFileSystem
  readonly #directory: string
  /** In the order of their last use. */
  readonly #handles = new Map<number, Handle>()
  #isClosed = false

  constructor(fileSystem: PackFileSystem, directory: string) {
    this.#fileSystem = fileSystem
    this.#directory = directory
  }

  /** @returns how many bytes there were to fill `target` with */
  async read(pack: number, target: Uint8Array, position: number): Promise<number> {
    if (this.#isClosed) throw new DittoError('DITTO_CLOSED', 'The chunk store was closed.')
    const handle = this.#use(pack)
    handle.readers++
    try {
      const file = await handle.opening
      return await file.read(target, position)
    } catch (error) {
      this.#drop(pack, handle)
      throw error
    } finally {
      handle.readers--
      if (handle.isDropped && handle.readers === 0) await closeHandle(handle)
    }
  }

  /** Closes a pack that is to be removed, once those reading it are done. */
  forget(pack: number): void {
    const handle = this.#handles.get(pack)
    if (handle !== undefined) this.#drop(pack, handle)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const handles = [...this.#handles.values()]
    this.#handles.clear()
    await Promise.all(handles.map(closeHandle))
  }

  #use(pack: number): Handle {
    const opening = () => this.#fileSystem.open(path.join(this.#directory, packName(pack)), 'read')
    const handle = this.#handles.get(pack) ?? { opening: opening(), readers: 0, isDropped: false }
    this.#handles.delete(pack)
    this.#handles.set(pack, handle)
    if (this.#handles.size > MAX_OPEN_PACKS) {
      for (const [other, candidate] of this.#handles) {
        if (candidate.readers > 0 || candidate === handle) continue
        this.#drop(other, candidate)
        break
      }
    }
    return handle
  }

  #drop(pack: number, handle: Handle): void {
    if (this.#handles.get(pack) === handle) this.#handles.delete(pack)
    if (handle.isDropped) return
    handle.isDropped = true
    if (handle.readers === 0) void closeHandle(handle)
  }
}

/** Nothing is lost when closing a file that was only read fails. */
async function closeHandle(handle: Handle): Promise<void> {
  try {
    await (await handle.opening).close()
  } catch {}
}
