import nodePath from 'node:path'
import type { FileToPlace, Placed, PlacedChunks, PlacedRun, PlaceKey } from '@dittofs/chunk-store'
import {
  type AbortOptions,
  type ChunkStore,
  type Clock,
  DittoError,
  type FileContent,
  isDittoError,
  type Logger,
  type ReadManifest,
  TokenBucket,
  type Unsubscribe,
} from '@dittofs/interface'
import type { FileOnDisk, FolderContent, FolderId, PlacedFile, TakenFile } from '@dittofs/live-folder'
import type { HeldChunks } from '../content/held-chunks.ts'
import { readContent } from '../content/read-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { TaskQueue } from './task-queue.ts'

export interface SpaceContentInit {
  space: OpenSpace
  store: ChunkStore & PlacedChunks
  readManifest: ReadManifest
  held: HeldChunks
  logger: Logger
  /** The root of a live folder, absolute. */
  directoryOf: (folder: FolderId) => string | undefined
  /** Told of bytes that lie in a file now, and in the store beside. */
  onCopied: (bytes: number) => void
  clock: Clock
  /** Told when content that may have counted as missing lies in a file. */
  onGained: () => void
}

/** Earlier versions gave files such keys for a moment; what a stop left of them means nothing. */
export const PROVISIONAL_PREFIX = '~'
/**
 * Of what somebody works on, copies are kept beside: files up to this size, and of all together so many bytes at once and
 * a second. More would be a second copy of all that is put into a folder.
 */
const MAX_COPIED_BYTES = 4 * 1024 * 1024
const COPY_BURST_BYTES = 16 * 1024 * 1024
const COPY_BYTES_PER_SECOND = 1024 * 1024
interface TakenPlace {
  readonly path: string
  /** Once it was cut. */
  content?: Pick<FileContent, 'content' | 'size'>
}

/**
 * The bytes of a space's live folders: they lie in the files themselves, and the chunk store knows where. A file that is
 * about to change by our own doing is first copied into the store as far as nothing else holds it.
 */
export class SpaceContent implements FolderContent {
  readonly #init: SpaceContentInit
  readonly #listeners = new Set<() => void>()
  /** Files that were taken and that the folders do not know of yet. */
  readonly #taken = new Map<PlaceKey, TakenPlace>()
  readonly #tasks: TaskQueue
  readonly #copies: TokenBucket
  #isGained = false

  constructor(init: SpaceContentInit) {
    this.#init = init
    this.#copies = new TokenBucket(COPY_BYTES_PER_SECOND, COPY_BURST_BYTES, init.clock.monotonic())
    this.#tasks = new TaskQueue((error) => {
      init.logger.warn(
        { error, space: init.space.id },
        'A place of content in a live folder could not be written down.',
      )
    })
  }

  /** Where a file is that was taken and that the folders do not know of yet. */
  takenPath(key: PlaceKey): string | undefined {
    return this.#taken.get(key)?.path
  }

  async take(files: readonly FileOnDisk[], options: AbortOptions = {}): Promise<readonly TakenFile[]> {
    const { store, space } = this.#init
    const wanted = files.map((file): FileToPlace => ({ key: this.#keyOf(file.key), path: this.#pathOf(file) }))
    for (const { key, path } of wanted) this.#taken.set(key, { path })
    const { chunker } = space.membership
    const placed = await store.importAllPlaced(space.id, wanted, { chunker, ...options })
    return Promise.all(
      files.map((file, nth) => this.#takenFile(file, wanted[nth] as FileToPlace, placed[nth] as Placed, options)),
    )
  }

  async areHeld(files: readonly FileContent[]): Promise<readonly boolean[]> {
    const missing = await this.#init.held.missingOf(this.#init.space.id, files)
    return missing.map(({ chunks }) => chunks === 0)
  }

  read(file: FileContent, options: AbortOptions = {}): AsyncIterable<Uint8Array> {
    const { store, readManifest, space } = this.#init
    return readContent(file, { store, readManifest, space: space.id, start: 0, end: file.size, path: '', ...options })
  }

  async preserve(file: PlacedFile, options: AbortOptions = {}): Promise<void> {
    const { store, logger, space } = this.#init
    await this.#tasks.settled()
    const lost = await store.preserve(this.#keyOf(file.key), options)
    if (lost.length === 0) return
    const path = this.#pathOf(file)
    logger.warn({ space: space.id, path, chunks: lost.length }, 'A version that was overwritten is not whole here.')
  }

  placed(file: PlacedFile): void {
    // What was taken under its key has its place already.
    if (this.#taken.delete(this.#keyOf(file.key))) return
    this.#tasks.add(file.key, () => this.#place(file))
  }

  released(key: string): void {
    const place = this.#keyOf(key)
    this.#tasks.add(key, async () => {
      await this.#init.store.unplace(place)
      this.#taken.delete(place)
    })
  }

  onHeld(listener: () => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Content of the space came that was not held. */
  contentCame(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Files that were taken, and that no metadata may name yet. */
  pending(): readonly Pick<FileContent, 'content' | 'size'>[] {
    return [...this.#taken.values()].flatMap(({ content }) => content ?? [])
  }

  /** Writes down what was told so far. */
  async close(): Promise<void> {
    await this.#tasks.settled()
  }

  /** Resolves when everything told so far is written down. */
  settled(): Promise<void> {
    return this.#tasks.settled()
  }

  async #place(file: PlacedFile): Promise<void> {
    const { store, space } = this.#init
    const key = this.#keyOf(file.key)
    if (await store.isPlaced(key)) return
    await store.place(space.id, key, this.#runsOf(file.file))
    this.#init.onCopied(file.file.size)
    this.#tellGained()
  }

  async #takenFile(
    file: FileOnDisk,
    { key, path }: FileToPlace,
    placed: Placed,
    options: AbortOptions,
  ): Promise<TakenFile> {
    try {
      if ('error' in placed) throw placed.error
      const { content, size } = placed
      if (size !== file.stamp.size) throw changed(path)
      const taken = this.#taken.get(key)
      if (taken !== undefined) taken.content = { content, size }
      if (file.isRecent) await this.#copy(key, size, options)
      return { content }
    } catch (error) {
      if (isDittoError(error)) return { error }
      throw error
    }
  }

  /**
   * Keeps a copy of a version that may be written over before another device has fetched it, for as long as the store has
   * room for what lies in a folder as well.
   */
  async #copy(key: PlaceKey, size: number, options: AbortOptions): Promise<void> {
    const { store, clock, onCopied } = this.#init
    if (size > MAX_COPIED_BYTES || !this.#copies.take(size, clock.monotonic())) return
    await store.preserve(key, { ...options, durability: 'none' })
    onCopied(size)
  }

  /** Once for all that are placed one after the other. */
  #tellGained(): void {
    if (this.#isGained) return
    this.#isGained = true
    this.#tasks.whenIdle(() => {
      this.#isGained = false
      this.#init.onGained()
    })
  }

  async *#runsOf(file: FileContent): AsyncGenerator<PlacedRun> {
    const { store, readManifest, space } = this.#init
    for await (const step of readManifest(store, space.id, file.content, file.size)) {
      if (step.kind === 'chunks') yield step.run
    }
  }

  #keyOf(key: string): PlaceKey {
    return `${this.#init.space.number}.${key}`
  }

  #pathOf({ folder, names }: Pick<FileOnDisk, 'folder' | 'names'>): string {
    const root = this.#init.directoryOf(folder)
    if (root === undefined) throw new DittoError('DITTO_CLOSED', 'The live folder was unlinked.')
    return nodePath.join(root, ...names)
  }
}

function changed(path: string): DittoError {
  return new DittoError('DITTO_FILE_CHANGED', `${JSON.stringify(path)} changed while it was read.`)
}
