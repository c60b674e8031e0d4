import type { ImportOptions } from '@dittofs/interface'
import type { ChunkPool, RunningImport } from './chunk-pool.ts'
import { faultError } from './file-fault.ts'
import type { FileJob, Segment } from './worker-messages.ts'

/** Files given to a worker at once: what costs is the message, not the file. */
const FILES_PER_JOB = 64

/** A file that waits for a worker or is being read by one. */
export interface QueuedFile extends FileJob {
  readonly signal: AbortSignal | undefined
  /** Chunks of the file, in order; `bytes` are valid until the promise settles. */
  readonly onChunks: (chunks: readonly { readonly digest: Uint8Array; readonly bytes: Uint8Array }[]) => Promise<void>
  /** Called once, after the last `onChunks` began. */
  readonly onEnd: (error: unknown) => void
}

/** Hands files to workers in batches as workers come free, and what comes back to the files' owners. */
export class FileImportQueue {
  readonly #pool: ChunkPool
  #waiting: QueuedFile[] = []
  #isScheduled = false

  constructor(pool: ChunkPool) {
    this.#pool = pool
  }

  add(file: QueuedFile): void {
    this.#waiting.push(file)
    this.#schedule()
  }

  /** In a later tick, so that calls made together share a batch. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      while (this.#waiting.length > 0 && this.#pool.canImport) {
        const share = Math.ceil(this.#waiting.length / this.#pool.width)
        void this.#run(this.#waiting.splice(0, Math.min(FILES_PER_JOB, share)))
      }
    })
  }

  async #run(files: readonly QueuedFile[]): Promise<void> {
    const ended = new Set<number>()
    const removeListeners = new Set<() => void>()
    const jobs = files.map(({ path, chunker, expected }): FileJob => ({ path, chunker, expected }))
    const watch = (running: RunningImport) => {
      for (const [index, { signal }] of files.entries()) {
        if (signal === undefined) continue
        const onAbort = () => running.skip(index)
        if (signal.aborted) onAbort()
        signal.addEventListener('abort', onAbort, { once: true })
        removeListeners.add(() => signal.removeEventListener('abort', onAbort))
      }
    }
    try {
      const returned = await this.#pool.importFiles(jobs, {
        onStart: watch,
        onSegment: (segment, running) => {
          void handOut(files, segment).finally(() => running.release(segment.buffer))
          for (const { file, fault } of segment.ended) {
            ended.add(file)
            const queued = files[file] as QueuedFile
            queued.onEnd(fault === undefined ? undefined : faultError(queued, fault))
          }
        },
      })
      this.#waiting.unshift(...files.slice(returned))
    } catch (error) {
      for (const [index, file] of files.entries()) if (!ended.has(index)) file.onEnd(error)
    } finally {
      for (const remove of removeListeners) remove()
      this.#schedule()
    }
  }
}

async function handOut(files: readonly QueuedFile[], segment: Segment): Promise<void> {
  const byFile = new Map<number, { digest: Uint8Array; bytes: Uint8Array }[]>()
  for (let nth = 0; nth * 3 < segment.chunks.length; nth++) {
    const [file, start, length] = segment.chunks.subarray(nth * 3, nth * 3 + 3) as unknown as [number, number, number]
    const chunks = byFile.get(file) ?? []
    byFile.set(file, chunks)
    const digest = segment.digests.subarray(nth * 32, nth * 32 + 32)
    chunks.push({ digest, bytes: segment.bytes.subarray(start, start + length) })
  }
  await Promise.allSettled([...byFile].map(([file, chunks]) => (files[file] as QueuedFile).onChunks(chunks)))
}

/** What an import does without options. */
export const DEFAULT_IMPORT = { chunker: 'fastcdc', durability: 'group' } as const satisfies ImportOptions
