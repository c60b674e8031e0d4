import { parentPort, workerData } from 'node:worker_threads'
import { MAX_CHUNK_BYTES } from '@dittofs/interface'
import { loadBlake3 } from './blake3.ts'
import { findChunkEnd } from './chunker.ts'
import { FileImportJob } from './file-import-job.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts'

// The entry of a worker thread: hashes and cuts what it is sent, and reads files to import.
const port = parentPort
if (port === null) throw new TypeError('chunk-worker runs as a worker thread')
const blake3 = loadBlake3((workerData as WorkerData).blake3)
const imports = new Map<number, FileImportJob>()

function post(message: FromWorker, ...transfer: ArrayBufferLike[]): void {
  port?.postMessage(message, transfer as ArrayBuffer[])
}

function hashRanges(message: Extract<ToWorker, { type: 'hash' }>): void {
  const { job, buffer, ranges } = message
  const digests = new Uint8Array((ranges.length / 2) * 32)
  for (let index = 0; index < ranges.length; index += 2) {
    const bytes = new Uint8Array(buffer, ranges[index] as number, ranges[index + 1] as number)
    digests.set(blake3.hash(bytes), (index / 2) * 32)
  }
  post({ type: 'hashed', job, buffer, digests }, buffer, digests.buffer)
}

function cut(message: Extract<ToWorker, { type: 'chunk' }>): void {
  const { job, buffer, length, isEnd, chunker } = message
  const bytes = new Uint8Array(buffer, 0, length)
  const findEnd = findChunkEnd(chunker)
  const ends: number[] = []
  const digests: Uint8Array[] = []
  for (let at = 0; length - at >= MAX_CHUNK_BYTES || (isEnd && at < length); ) {
    const end = findEnd(bytes, at, length)
    ends.push(end)
    digests.push(blake3.hash(bytes.subarray(at, end)))
    at = end
  }
  post({ type: 'chunked', job, buffer, ends: Uint32Array.from(ends), digests: Buffer.concat(digests) }, buffer)
}

function importFiles({ job, files }: Extract<ToWorker, { type: 'import' }>): void {
  const importing = new FileImportJob({
    blake3,
    files,
    onSegment: (segment) => post({ type: 'segment', job, segment }, segment.buffer),
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
      return hashRanges(message)
    case 'chunk':
      return cut(message)
    case 'import':
      return importFiles(message)
    case 'release':
      return imports.get(message.job)?.release(message.buffer)
    case 'skip':
      return imports.get(message.job)?.skip(message.file)
  }
})
