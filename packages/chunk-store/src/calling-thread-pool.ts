import type { ChunkerKind } from '@dittofs/interface'
import type { Blake3 } from './blake3.ts'
import { cutAndHash, hashRanges } from './chunk-jobs.ts'
import type { Chunked, ChunkPool, Hashed, ImportListener, RunningImport } from './chunk-pool.ts'
import { cutSmallFiles } from './cut-small-files.ts'
import { FileImportJob } from './file-import-job.ts'
import { readParts } from './read-parts.ts'
import { SegmentBuffers } from './segment-buffers.ts'
import type { FileJob, PartsRead, PartsToRead, SmallFilesCut } from './worker-messages.ts'

/** Does the workers' jobs on the calling thread: for simulations in which nothing may run beside it. */
export class CallingThreadPool implements ChunkPool {
  readonly width = 1
  readonly #blake3: Blake3
  #isImporting = false

  constructor(blake3: Blake3) {
    this.#blake3 = blake3
  }

  get canImport(): boolean {
    return !this.#isImporting
  }

  async hash(buffer: ArrayBuffer, ranges: Uint32Array): Promise<Hashed> {
    return { buffer, digests: hashRanges(this.#blake3, buffer, ranges) }
  }

  async chunk(buffer: ArrayBuffer, length: number, isEnd: boolean, chunker: ChunkerKind): Promise<Chunked> {
    return { buffer, ...cutAndHash(this.#blake3, new Uint8Array(buffer, 0, length), isEnd, chunker) }
  }

  cutFiles(paths: readonly string[], chunker: ChunkerKind): Promise<SmallFilesCut> {
    return cutSmallFiles({ blake3: this.#blake3, buffers: SegmentBuffers.plain(), paths, chunker })
  }

  async readParts(parts: PartsToRead): Promise<PartsRead> {
    return readParts(this.#blake3, parts)
  }

  async importFiles(files: readonly FileJob[], listener: ImportListener): Promise<number> {
    this.#isImporting = true
    const buffers = SegmentBuffers.plain()
    const job: FileImportJob = new FileImportJob({
      blake3: this.#blake3,
      buffers,
      files,
      onSegment: (segment) => listener.onSegment(segment, running),
    })
    const running: RunningImport = {
      release: (buffer) => buffers.release(buffer),
      skip: (file) => job.skip(file),
    }
    listener.onStart(running)
    try {
      return await job.run()
    } finally {
      this.#isImporting = false
    }
  }

  async close(): Promise<void> {}
}
