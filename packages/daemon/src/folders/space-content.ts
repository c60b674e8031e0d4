import nodePath from 'node:path'
import type { PlacedChunks, PlacedRun, PlaceKey } from '@dittofs/chunk-store'
import {
  type AbortOptions,
  type ChunkStore,
  type Clock,
  type ContentRef,
  DittoError,
  type FileContent,
  type Logger,
  type RandomBytes,
  type ReadManifest,
  TokenBucket,
  type Unsubscribe,
} from '@dittofs/interface'
import type { FileOnDisk, FolderContent, FolderId, PlacedFile } from '@dittofs/live-folder'
import { contentKey } from '../content/content-key.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import { readContent } from '../content/read-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { TaskQueue } from './task-queue.ts'

export interface SpaceContentInit {
  space: OpenSpace
  store: ChunkStore & PlacedChunks
  readManifest: ReadManifest
  held: HeldChunks
  randomBytes: RandomBytes
  logger: Logger
  /** The root of a live folder, absolute. */
  directoryOf: (folder: FolderId) => string | undefined
  /** Told of bytes that lie in a file now, and in the store beside. */
  onCopied: (bytes: number) => void
  clock: Clock
  /** Asks to be told of every file that is in step. */
  retell: () => void
  /** Told when content that may have counted as missing lies in a file. */
  onGained: () => void
}

/** Keys of files that were cut and are not known to the folders yet begin so; they mean nothing after a restart. */
export const PROVISIONAL_PREFIX = '~'
/** Files cut at most whose turn in the metadata has not come; the oldest is forgotten, and cut again. */
const MAX_PROVISIONAL = 20_000
/**
 * Of what somebody works on, copies are kept beside: files up to this size, and of all together so many bytes at once and
 * a second. More would be a second copy of all that is put into a folder.
 */
const MAX_COPIED_BYTES = 4 * 1024 * 1024
const COPY_BURST_BYTES = 16 * 1024 * 1024
const COPY_BYTES_PER_SECOND = 1024 * 1024
/** A file that was cut and is not placed after so long was moved, changed or removed before its turn came. */
const PROVISIONAL_MS = 5000

interface Provisional {
  readonly key: PlaceKey
  readonly path: string
  readonly content: ContentRef
  /** Bytes. */
  readonly size: number
}

/**
 * The bytes of a space's live folders: they lie in the files themselves, and the chunk store knows where. A file that is
 * about to change by our own doing is first copied into the store as far as nothing else holds it.
 */
export class SpaceContent implements FolderContent {
  readonly #init: SpaceContentInit
  readonly #listeners = new Set<() => void>()
  /** By path. */
  readonly #provisional = new Map<string, Provisional>()
  readonly #paths = new Map<PlaceKey, string>()
  readonly #tasks: TaskQueue
  readonly #stop = new AbortController()
  readonly #copies: TokenBucket
  #isGained = false
  #watching: Promise<void> | undefined

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

  /** Where a file is that was cut and not placed yet. */
  provisionalPath(key: PlaceKey): string | undefined {
    return this.#paths.get(key)
  }

  async take(file: FileOnDisk, options: AbortOptions = {}): Promise<ContentRef> {
    const { store, space, randomBytes } = this.#init
    const path = this.#pathOf(file)
    const key = PROVISIONAL_PREFIX + Buffer.from(randomBytes(12)).toString('hex')
    this.#paths.set(key, path)
    try {
      const { content, size } = await store.importPlaced(space.id, key, path, {
        chunker: space.membership.chunker,
        ...options,
      })
      if (size !== file.stamp.size) throw changed(path)
      if (file.isRecent) await this.#copy(key, size, options)
      await this.#remember({ key, path, content, size })
      return content
    } catch (error) {
      this.#paths.delete(key)
      await store.unplace(key)
      throw error
    }
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
    const path = this.#pathOf(file)
    this.#tasks.add(file.key, () => this.#place(file, path))
  }

  released(key: string): void {
    this.#tasks.add(key, () => this.#init.store.unplace(this.#keyOf(key)))
  }

  onHeld(listener: () => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Content of the space came that was not held. */
  contentCame(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Files that were cut and are not placed yet, so that no metadata may name them. */
  pending(): readonly Pick<FileContent, 'content' | 'size'>[] {
    return [...this.#provisional.values()]
  }

  /** Writes down what was told so far. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#watching
    await this.#tasks.settled()
  }

  /** Resolves when everything told so far is written down. */
  settled(): Promise<void> {
    return this.#tasks.settled()
  }

  async #place(file: PlacedFile, path: string): Promise<void> {
    const { store, space } = this.#init
    const key = this.#keyOf(file.key)
    const provisional = this.#provisional.get(path)
    if (provisional !== undefined && contentKey(provisional.content) === contentKey(file.file.content)) {
      this.#provisional.delete(path)
      const isRenamed = await store.renamePlace(provisional.key, key)
      this.#paths.delete(provisional.key)
      if (isRenamed) return
    }
    if (await store.isPlaced(key)) return
    await store.place(space.id, key, this.#runsOf(file.file))
    this.#init.onCopied(file.file.size)
    this.#tellGained()
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

  /** What was cut and did not come to be placed is placed as what it is now, or forgotten. */
  async #settleProvisional(): Promise<void> {
    while (this.#provisional.size > 0) {
      const before = new Set(this.#provisional.values())
      const isOver = await this.#init.clock.sleep(PROVISIONAL_MS, { signal: this.#stop.signal }).then(
        () => true,
        () => false,
      )
      if (!isOver) return
      const left = [...this.#provisional.values()].filter((one) => before.has(one))
      if (left.length === 0) continue
      this.#init.retell()
      await this.#tasks.settled()
      for (const one of left) {
        if (this.#provisional.get(one.path) !== one) continue
        this.#provisional.delete(one.path)
        this.#paths.delete(one.key)
        await this.#init.store.unplace(one.key)
      }
    }
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

  async #remember(provisional: Provisional): Promise<void> {
    const [oldest] = this.#provisional.values()
    const same = this.#provisional.get(provisional.path)
    const forgotten = same === undefined && this.#provisional.size >= MAX_PROVISIONAL ? oldest : same
    if (forgotten !== undefined) this.#provisional.delete(forgotten.path)
    this.#provisional.set(provisional.path, provisional)
    this.#watching ??= this.#settleProvisional().finally(() => {
      this.#watching = undefined
    })
    if (forgotten === undefined) return
    this.#paths.delete(forgotten.key)
    await this.#init.store.unplace(forgotten.key)
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
