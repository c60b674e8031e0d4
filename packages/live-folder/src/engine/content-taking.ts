import { type DittoError, isDittoError, type NodeContent } from '@dittofs/interface'
import type { LocalPlace } from '../plan/plan-outgoing.ts'
import { concurrently } from './concurrently.ts'
import type { EngineContext } from './engine-context.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { directoryContent } from './outgoing-batch.ts'
import type { FileOnDisk, TakenFile } from './ports.ts'
import { reportError } from './report-error.ts'

/** Files of one call, and such calls at once: while one waits for the disk, another is cut. */
const FILES_PER_CALL = 128
const CONCURRENT_CALLS = 3
/** Symlinks read at once. */
const CONCURRENT_LINKS = 8
const RETRY_MS = 5000

/** What stands at a path of the disk. */
export interface Taken {
  readonly content: NodeContent
  /** Of a file the number that names the place of its bytes, if it comes into the base with them; 0 for anything else. */
  readonly place: number
}

interface FilePlace {
  readonly place: LocalPlace
  readonly folder: FolderRuntime
  readonly number: number
}

/**
 * Takes the contents of what is to be sent. A file's place has its number before its bytes are read, so that they are
 * written down once; numbers that nothing in the base has come to bear are given back.
 */
export class ContentTaking {
  readonly #context: EngineContext
  readonly #signal: AbortSignal
  /** Numbers given to files, and not known to have come into the base or to be given back. */
  readonly #open = new Set<number>()

  constructor(context: EngineContext, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
  }

  /** @returns without what could not be read, or changed meanwhile: that is looked at again */
  async take(places: readonly LocalPlace[]): Promise<ReadonlyMap<LocalPlace, Taken>> {
    const taken = new Map<LocalPlace, Taken>()
    const files = places.filter(({ found }) => found.stamp.kind === 'file')
    const others = places.filter(({ found }) => found.stamp.kind !== 'file')
    await concurrently(others, CONCURRENT_LINKS, async (place) => {
      const content = await this.#takeOther(place)
      if (content !== undefined) taken.set(place, { content, place: 0 })
    })
    const calls: (readonly LocalPlace[])[] = []
    for (let at = 0; at < files.length; at += FILES_PER_CALL) calls.push(files.slice(at, at + FILES_PER_CALL))
    await concurrently(calls, CONCURRENT_CALLS, (some) => this.#takeFiles(some, taken))
    return taken
  }

  /** Gives back those of the numbers that nothing in the base bears. */
  giveBack(taken: Iterable<Taken>): void {
    for (const { place } of taken) if (place !== 0) this.#giveBack(place)
  }

  giveBackAll(): void {
    for (const place of this.#open) this.#giveBack(place)
  }

  #giveBack(place: number): void {
    if (!this.#open.delete(place)) return
    if (this.#context.base.byPlace(place) === undefined) this.#context.tellPlaces([], [place])
  }

  async #takeFiles(places: readonly LocalPlace[], taken: Map<LocalPlace, Taken>): Promise<void> {
    const { folders, init, base } = this.#context
    const files = places.flatMap((place): FilePlace[] => {
      const folder = folders.get(place.directory.folder)
      return folder === undefined ? [] : [{ place, folder, number: base.takeNumber() }]
    })
    for (const { number } of files) this.#open.add(number)
    const results = await this.#asked(() => init.content.take(files.map(fileOnDisk), { signal: this.#signal }))
    for (const [nth, { place, folder, number }] of files.entries()) {
      const result = 'error' in results ? results : (results[nth] as TakenFile)
      if ('error' in result) {
        this.#giveBack(number)
        this.#failed(place, folder, result.error)
        continue
      }
      folder.solve('disk', pathOf(place))
      const { size, mtimeNs, mode } = place.found.stamp
      const content: NodeContent = { kind: 'file', file: { size, mtimeNs, mode, content: result.content } }
      taken.set(place, { content, place: number })
    }
  }

  async #takeOther(place: LocalPlace): Promise<NodeContent | undefined> {
    const { directory, found } = place
    const folder = this.#context.folders.get(directory.folder)
    if (folder === undefined) return undefined
    if (found.stamp.kind === 'directory') return directoryContent(found.stamp)
    const target = await this.#asked(() => folder.fileSystem.readLink([...directory.rawNames, found.rawName]))
    if (typeof target === 'string') return { kind: 'symlink', symlink: { target, mtimeNs: found.stamp.mtimeNs } }
    this.#failed(place, folder, target.error)
    return undefined
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T | { readonly error: DittoError }> {
    try {
      return await ask()
    } catch (error) {
      this.#signal.throwIfAborted()
      if (!isDittoError(error)) throw error
      return { error }
    }
  }

  #failed(place: LocalPlace, folder: FolderRuntime, error: DittoError): void {
    const { trail, nowMs } = this.#context
    trail.note(folder.id, pathOf(place), 'failed', `It could not be read: ${error.message}`)
    const isMeanwhile = error.code === 'DITTO_FILE_CHANGED' || error.code === 'DITTO_NOT_FOUND'
    folder.markAt(place.directory.rawNames, nowMs + (isMeanwhile ? 50 : RETRY_MS))
    if (!isMeanwhile) reportError(folder, 'disk', pathOf(place), error)
  }
}

function fileOnDisk({ place, folder, number }: FilePlace): FileOnDisk {
  const { directory, found } = place
  const { stamp } = found
  const names = [...directory.rawNames, found.rawName]
  const read = (options = {}) => folder.fileSystem.read(names, stamp, options)
  const isRecent = folder.isTakenUp || 'entry' in place
  return { key: number.toString(36), folder: folder.id, names, stamp, isRecent, read }
}

function pathOf({ directory, found }: LocalPlace): string {
  return [...directory.names, found.name].join('/')
}
