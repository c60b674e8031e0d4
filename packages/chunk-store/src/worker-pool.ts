import { Worker } from 'node:worker_threads'
import { type ChunkerKind, DittoError, type Logger } from '@dittofs/interface'
import type { Blake3, Blake3Kind } from './blake3.ts'
import { hashRanges } from './chunk-jobs.ts'
import type { Chunked, ChunkPool, Hashed, ImportListener, RunningImport } from './chunk-pool.ts'
import type {
  FileJob,
  FromWorker,
  PartsRead,
  PartsToRead,
  Segment,
  SmallFilesCut,
  ToWorker,
  WorkerData,
} from './worker-messages.ts'

const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/chunk-worker.js' : './chunk-worker.js',
  import.meta.url,
)

/** A worker needs little beside its buffers, which are not part of these. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }

export interface WorkerPoolInit {
  workers: number
  /** What the workers load. */
  blake3: Blake3Kind | undefined
  /** What the calling thread has loaded. */
  hasher: Blake3
  logger: Logger
}

interface Job {
  readonly resolve: (message: FromWorker) => void
  readonly reject: (reason: unknown) => void
  readonly onSegment?: (segment: Segment) => void
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
  isImporting: boolean
}

/**
 * Worker threads that cut, hash and read; started when first needed. Bytes are never copied: buffers to hash or cut are
 * transferred, and until an answer comes the caller has none; buffers of files that are read are shared.
 */
export class WorkerPool implements ChunkPool {
  readonly #init: WorkerPoolInit
  readonly #threads: Thread[] = []
  #lastJob = 0
  #isClosed = false

  constructor(init: WorkerPoolInit) {
    this.#init = init
  }

  get width(): number {
    return this.#init.workers
  }

  async hash(buffer: ArrayBuffer, ranges: Uint32Array): Promise<Hashed> {
    const { hasher } = this.#init
    // A megabyte takes a sixth of a millisecond, less than to send it to a worker and back.
    if (hasher.kind === 'native') return { buffer, digests: hashRanges(hasher, buffer, ranges) }
    const answer = await this.#ask(this.#leastBusy(), (job) => ({ type: 'hash', job, buffer, ranges }), [buffer])
    return answer as Extract<FromWorker, { type: 'hashed' }>
  }

  async chunk(buffer: ArrayBuffer, length: number, isEnd: boolean, chunker: ChunkerKind): Promise<Chunked> {
    const make = (job: number): ToWorker => ({ type: 'chunk', job, buffer, length, isEnd, chunker })
    const answer = await this.#ask(this.#leastBusy(), make, [buffer])
    return answer as Extract<FromWorker, { type: 'chunked' }>
  }

  async cutFiles(paths: readonly string[], chunker: ChunkerKind): Promise<SmallFilesCut> {
    const answer = await this.#ask(this.#leastBusy(), (job) => ({ type: 'cut', job, paths, chunker }), [])
    return (answer as Extract<FromWorker, { type: 'cut' }>).cut
  }

  async readParts(parts: PartsToRead): Promise<PartsRead> {
    const transfer = [parts.parts.buffer, parts.digests.buffer]
    const answer = await this.#ask(this.#leastBusy(), (job) => ({ type: 'read', job, parts }), transfer)
    return (answer as Extract<FromWorker, { type: 'read' }>).read
  }

  get canImport(): boolean {
    return this.#threads.length < this.#init.workers || this.#threads.some((thread) => !thread.isImporting)
  }

  async importFiles(files: readonly FileJob[], listener: ImportListener): Promise<number> {
    const thread = this.#threads.find((candidate) => !candidate.isImporting) ?? this.#start()
    thread.isImporting = true
    try {
      let number = 0
      const running: RunningImport = {
        release: (buffer) => thread.worker.postMessage({ type: 'release', buffer } satisfies ToWorker),
        skip: (file) => thread.worker.postMessage({ type: 'skip', job: number, file } satisfies ToWorker),
      }
      const make = (job: number): ToWorker => {
        number = job
        return { type: 'import', job, files }
      }
      const answering = this.#ask(thread, make, [], (segment) => listener.onSegment(segment, running))
      listener.onStart(running)
      const answer = await answering
      return (answer as Extract<FromWorker, { type: 'imported' }>).returned
    } finally {
      thread.isImporting = false
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const threads = this.#threads.splice(0)
    await Promise.all(threads.map((thread) => thread.worker.terminate()))
  }

  #leastBusy(): Thread {
    if (this.#threads.length === 0) return this.#start()
    const thread = this.#threads.reduce((least, candidate) => (load(candidate) < load(least) ? candidate : least))
    return load(thread) > 0 && this.#threads.length < this.#init.workers ? this.#start() : thread
  }

  #ask(
    thread: Thread,
    make: (job: number) => ToWorker,
    transfer: readonly ArrayBuffer[],
    onSegment?: (segment: Segment) => void,
  ): Promise<FromWorker> {
    const job = ++this.#lastJob
    return new Promise((resolve, reject) => {
      thread.jobs.set(job, { resolve, reject, ...(onSegment === undefined ? {} : { onSegment }) })
      thread.worker.ref()
      thread.worker.postMessage(make(job), [...transfer])
    })
  }

  #start(): Thread {
    if (this.#isClosed) throw new DittoError('DITTO_CLOSED', 'The chunk store was closed.')
    const data: WorkerData = { blake3: this.#init.blake3 }
    const worker = new Worker(WORKER_URL, {
      name: 'dittofs-chunks',
      workerData: data,
      resourceLimits: RESOURCE_LIMITS,
      // None of the process's own: loaders and conditions under which tests run have no place in a worker.
      execArgv: [],
    })
    const thread: Thread = { worker, jobs: new Map(), isImporting: false }
    worker.on('message', (message: FromWorker) => onMessage(thread, message))
    worker.on('error', (error) => this.#onEnd(thread, error))
    worker.on('exit', () => this.#onEnd(thread, undefined))
    worker.unref()
    this.#threads.push(thread)
    return thread
  }

  #onEnd(thread: Thread, error: Error | undefined): void {
    const at = this.#threads.indexOf(thread)
    if (at >= 0) this.#threads.splice(at, 1)
    if (error !== undefined) this.#init.logger.error({ err: error }, 'A chunk worker failed; another takes its place.')
    const reason = this.#isClosed
      ? new DittoError('DITTO_CLOSED', 'The chunk store was closed.')
      : new DittoError('DITTO_INTERNAL', 'A worker of the chunk store failed; try again.', { cause: error })
    for (const job of thread.jobs.values()) job.reject(reason)
    thread.jobs.clear()
  }
}

function load(thread: Thread): number {
  return thread.jobs.size
}

function onMessage(thread: Thread, message: FromWorker): void {
  const job = thread.jobs.get(message.job)
  if (job === undefined) return
  if (message.type === 'segment') {
    job.onSegment?.(message.segment)
    return
  }
  thread.jobs.delete(message.job)
  if (thread.jobs.size === 0) thread.worker.unref()
  if (message.type === 'failed')
    job.reject(new DittoError('DITTO_INTERNAL', `A chunk worker failed: ${message.message}.`))
  else job.resolve(message)
}
