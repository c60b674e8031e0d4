import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { ChunkerKind } from '@dittofs/interface'
import type { Blake3 } from './blake3.ts'
import { findChunkEnd } from './chunker.ts'
import { isUnchanged, systemFault } from './file-fault.ts'
import type { SegmentBuffers } from './segment-buffers.ts'
import type { FileFault, SmallFilesCut } from './worker-messages.ts'

/** Longer files are read in pieces, by a `FileImportJob`. */
export const MAX_SMALL_FILE_BYTES = 1024 * 1024

export interface CutSmallFilesInit {
  blake3: Blake3
  buffers: SegmentBuffers
  paths: readonly string[]
  chunker: ChunkerKind
}

/**
 * Reads, cuts and hashes files of at most MAX_SMALL_FILE_BYTES one after the other, through one buffer. Of the bytes nothing
 * is kept: what is told of a file is its chunks.
 */
export async function cutSmallFiles({ blake3, buffers, paths, chunker }: CutSmallFilesInit): Promise<SmallFilesCut> {
  const findEnd = findChunkEnd(chunker, buffers.findFastCdcEnd)
  const counts: number[] = []
  const lengths: number[] = []
  const digests: Uint8Array[] = []
  const faults: { file: number; fault: FileFault }[] = []
  const { nth, bytes } = await buffers.acquire()
  try {
    for (const [file, path] of paths.entries()) {
      const before = lengths.length
      const read = readSmallFile(path, bytes)
      if (typeof read === 'object') faults.push({ file, fault: read })
      else cut(bytes, read)
      counts.push(lengths.length - before)
    }
  } finally {
    buffers.release(nth)
  }
  return { counts: Uint32Array.from(counts), lengths: Uint32Array.from(lengths), digests: joined(digests), faults }

  function cut(buffer: Buffer, size: number): void {
    for (let at = 0; at < size; ) {
      const end = findEnd(buffer, at, size)
      lengths.push(end - at)
      digests.push(blake3.hash(buffer.subarray(at, end)))
      at = end
    }
  }
}

/** @returns how many bytes of the buffer it fills, or why it was not read */
function readSmallFile(path: string, buffer: Buffer): number | FileFault {
  let descriptor: number
  try {
    // Not through a symlink, and not waiting for the writer of a FIFO, which may never come.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    return systemFault(error)
  }
  try {
    const before = fstatSync(descriptor, { bigint: true })
    if (!before.isFile()) return { kind: 'irregular' }
    if (before.size > MAX_SMALL_FILE_BYTES) return { kind: 'long' }
    return readWhole(descriptor, buffer, before)
  } catch (error) {
    return systemFault(error)
  } finally {
    closeSync(descriptor)
  }
}

function readWhole(descriptor: number, buffer: Buffer, before: BigIntStats): number | FileFault {
  const size = Number(before.size)
  let read = 0
  while (read < size) {
    const got = readSync(descriptor, buffer, read, size - read, null)
    if (got === 0) break
    read += got
  }
  const isSame = read === size && isUnchanged(before, fstatSync(descriptor, { bigint: true }))
  return isSame ? size : { kind: 'changed' }
}

/** Its memory is its own, so that it can be handed to another thread. */
function joined(digests: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(digests.length * 32)
  for (const [nth, digest] of digests.entries()) all.set(digest, nth * 32)
  return all
}
