import { parentPort, workerData } from 'node:worker_threads'
import { loadBlake3 } from './blake3.ts'
import { cutAndHash, hashRanges } from './chunk-jobs.ts'
import { cutSmallFiles } from './cut-small-files.ts'
import { FileImportJob } from './file-import-job.ts'
import { readParts } from './read-parts.ts'
import { SegmentBuffers } from './segment-buffers.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts'

// The entry of a worker thread: hashes and cuts what it is sent, and reads files to import.
const port = parentPort
if (port === null) throw new TypeError('chunk-worker runs as a worker thread')
const blake3 = loadBlake3((workerData as WorkerData).blake3)
const imports = new Map<number, FileImportJob>()
/** Made when the first file is read. */
let buffers: SegmentBuffers | undefined

function post(message: FromWorker, ...transfer: ArrayBufferLike[]): void {
  port?.postMessage(message, transfer as ArrayBuffer[])
}

function hash({ job, buffer, ranges }: Extract<ToWorker, { type: 'hash' }>): void {
  const digests = hashRanges(blake3, buffer, ranges)
  post({ type: 'hashed', job, buffer, digests }, buffer, digests.buffer)
}

function cut(message: Extract<ToWorker, { type: 'chunk' }>): void {
  const { job, buffer, length, isEnd, chunker } = message
  const { ends, digests } = cutAndHash(blake3, new Uint8Array(buffer, 0, length), isEnd, chunker)
  post({ type: 'chunked', job, buffer, ends, digests }, buffer)
}

function cutFiles({ job, paths, chunker }: Extract<ToWorker, { type: 'cut' }>): void {
  buffers ??= SegmentBuffers.withKernel()
  cutSmallFiles({ blake3, buffers, paths, chunker }).then(
    (cut) => post({ type: 'cut', job, cut }, cut.digests.buffer),
    (error: unknown) => post({ type: 'failed', job, message: String(error) }),
  )
}

function read({ job, parts }: Extract<ToWorker, { type: 'read' }>): void {
  const answer = readParts(blake3, parts)
  post({ type: 'read', job, read: answer }, answer.bytes.buffer)
}

function importFiles({ job, files }: Extract<ToWorker, { type: 'import' }>): void {
  buffers ??= SegmentBuffers.withKernel()
  const importing = new FileImportJob({
    blake3,
    buffers,
    files,
    onSegment: (segment) => post({ type: 'segment', job, segment }),
  })
  imports.set(job, importing)
  importing.run().then(
    (returned) => {
      imports.delete(job)
      post({ type: 'imported', job, returned })
    },
    (error: unknown) => {
      imports.delete(job)
      post({ type: 'failed', job, message: String(error) })
    },
  )
}

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'hash':
      return hash(message)
    case 'chunk':
      return cut(message)
    case 'import':
      return importFiles(message)
    case 'cut':
      return cutFiles(message)
    case 'read':
      return read(message)
    case 'release':
      return buffers?.release(message.buffer)
    case 'skip':
      return imports.get(message.job)?.skip(message.file)
  }
})
