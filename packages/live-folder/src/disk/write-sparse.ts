import type { FileHandle } from 'node:fs/promises'

/** A run of zeros that long, at a multiple of its length, becomes a hole: it takes no room on disk. */
const HOLE_BYTES = 64 * 1024
const ZEROS = Buffer.alloc(HOLE_BYTES)

/** Writes a new file's bytes and leaves out long runs of zeros. @returns the bytes of the file */
export async function writeSparse(handle: FileHandle, content: AsyncIterable<Uint8Array>): Promise<number> {
  let position = 0
  let writtenTo = 0
  for await (const bytes of content) {
    let from = 0
    while (from < bytes.length) {
      const untilBoundary = HOLE_BYTES - ((position + from) % HOLE_BYTES)
      const isHole = isZero(bytes, from, untilBoundary)
      let to = Math.min(from + untilBoundary, bytes.length)
      while (!isHole && to < bytes.length && !isZero(bytes, to, HOLE_BYTES))
        to = Math.min(to + HOLE_BYTES, bytes.length)
      if (!isHole) {
        await writeFully(handle, bytes.subarray(from, to), position + from)
        writtenTo = position + to
      }
      from = to
    }
    position += bytes.length
  }
  // Only a hole at the end leaves the file too short.
  if (writtenTo !== position) await handle.truncate(position)
  return position
}

/** Whether a whole block of zeros begins at `from`. */
function isZero(bytes: Uint8Array, from: number, length: number): boolean {
  if (length < HOLE_BYTES || from + length > bytes.length || bytes[from] !== 0) return false
  return ZEROS.compare(bytes, from, from + length) === 0
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let at = 0
  while (at < bytes.length) at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten
}
