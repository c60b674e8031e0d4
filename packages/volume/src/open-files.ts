import type { Clock, FileContent, Logger, RandomBytes, TreeEntry, VersionId, VolumeHandle } from '@dittofs/interface'
import type { ContentReader } from './content-reader.ts'
import type { OpenFile } from './open-file.ts'
import { PageAllowance, Spool } from './spool.ts'
import type { SpoolDirectory } from './spool-directory.ts'
import { staleHandle } from './volume-faults.ts'
import { WriteBuffer } from './write-buffer.ts'

/** How long after a commit that failed the next one is tried, unless somebody asks for it. */
const RETRY_MS = 5000

export interface OpenFilesInit {
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
  reader: ContentReader
  spool: SpoolDirectory
  quietMs: number
  maxDirtyMs: number
  maxDirtyBytes: number
  /** Whether what the file's handle names is still shown. */
  isShown: (file: OpenFile) => boolean
  /** Commits a file in its turn. */
  commit: (handle: VolumeHandle) => Promise<unknown>
}

/** The files that have changes which are not committed, each of which is committed by itself after a while. */
export class OpenFiles {
  readonly #init: OpenFilesInit
  readonly #files = new Map<VolumeHandle, OpenFile>()
  readonly #allowance = new PageAllowance()
  #isStopped = false
  readonly #watching = new Set<Promise<void>>()
  #nextChange = 1

  constructor(init: OpenFilesInit) {
    this.#init = init
  }

  get(handle: VolumeHandle): OpenFile | undefined {
    return this.#files.get(handle)
  }

  /** Bytes by which what is written differs from what is committed, in all. */
  get addedBytes(): number {
    let bytes = 0
    for (const { buffer } of this.#files.values()) bytes += buffer.size - buffer.base.size
    return bytes
  }

  /** The file, opened for changes on what it shows now, unless it is open. */
  open(handle: VolumeHandle, entry: TreeEntry & { file: FileContent }): OpenFile {
    const known = this.#files.get(handle)
    if (known !== undefined) return known
    const { clock, reader, spool, randomBytes } = this.#init
    const { version } = entry
    if (version === undefined) throw staleHandle()
    const create = () => spool.create(Buffer.from(randomBytes(12)).toString('hex'))
    const now = clock.monotonic()
    const opened: OpenFile = {
      handle,
      entry: entry as TreeEntry & { file: FileContent; version: VersionId },
      buffer: new WriteBuffer({ base: entry.file, reader, spool: new Spool(create, this.#allowance) }),
      mode: entry.file.mode,
      mtimeNs: entry.file.mtimeNs,
      changedNs: 0n,
      changes: this.#nextChange++,
      contentChanges: 0,
      firstWriteAt: now,
      lastWriteAt: now,
      over: new AbortController(),
      isGone: false,
    }
    this.#files.set(handle, opened)
    const watching = this.#watch(opened).catch(() => undefined)
    this.#watching.add(watching)
    void watching.finally(() => this.#watching.delete(watching))
    return opened
  }

  changed(file: OpenFile, nowNs: bigint, isContent: boolean): void {
    file.changedNs = nowNs
    file.changes = this.#nextChange++
    if (isContent) file.contentChanges = file.changes
    file.lastWriteAt = this.#init.clock.monotonic()
  }

  /** The file has no changes any more: they were committed, or are wanted no more. */
  async end(file: OpenFile): Promise<void> {
    if (this.#files.get(file.handle) === file) this.#files.delete(file.handle)
    file.over.abort()
    await file.buffer.end()
  }

  /** Drops the changes of files that were removed on this device. */
  dropGone(): void {
    for (const file of [...this.#files.values()]) {
      if (this.#init.isShown(file)) continue
      file.isGone = true
      this.end(file).catch((error: unknown) => this.#init.logger.warn({ error }, 'A spool file was not deleted.'))
    }
  }

  /** Commits everything. @throws the first failure, after the others were committed */
  async close(): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#files.keys()].map((handle) => this.#init.commit(handle)))
    await this.abort()
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Drops everything. */
  async abort(): Promise<void> {
    this.#isStopped = true
    for (const file of [...this.#files.values()]) {
      file.isGone = true
      await this.end(file)
    }
    await Promise.all(this.#watching)
  }

  async #watch(file: OpenFile): Promise<void> {
    const { clock, logger, quietMs, maxDirtyMs, maxDirtyBytes, commit } = this.#init
    const { signal } = file.over
    while (!signal.aborted) {
      const isFull = file.buffer.writtenBytes >= maxDirtyBytes
      const due = isFull ? 0 : Math.min(file.lastWriteAt + quietMs, file.firstWriteAt + maxDirtyMs)
      const waitMs = due - clock.monotonic()
      if (waitMs > 0) {
        // Looked at often enough that a file which fills up fast is seen.
        await clock.sleep(Math.min(waitMs, 1000), { signal })
        continue
      }
      try {
        await commit(file.handle)
      } catch (error) {
        if (this.#isStopped) return
        logger.warn({ error, path: file.entry.path }, 'A file with uncommitted writes could not be committed.')
        await clock.sleep(RETRY_MS, { signal })
      }
    }
  }
}
