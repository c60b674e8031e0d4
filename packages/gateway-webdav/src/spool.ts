import { randomBytes } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import path from 'node:path'
import { type ByteRange, type ContentSource, DittoError } from '@dittofs/interface'
import { MAX_SPOOL_MEMORY_BYTES, MAX_SPOOL_MEMORY_TOTAL_BYTES, TRANSFER_BYTES } from './limits.ts'

/** A body that has arrived. `close` frees it. */
export interface SpooledBody extends ContentSource {
  close(): Promise<void>
}

/**
 * Keeps bodies until they are whole, so that a cut upload leaves nothing in a space and the version that was there stays:
 * small ones in memory, larger ones in a file that has no name from the start and is gone with the process.
 */
export class Spool {
  readonly #directory: string
  #memoryBytes = 0

  /** @param directory - on the disk, with room for the uploads that run at once */
  constructor(directory: string) {
    this.#directory = directory
  }

  /** Takes a body that is here already: MAX_SMALL_BODY_BYTES at most, which belong to the spool from then on. */
  keep(bytes: Uint8Array): SpooledBody {
    let inMemory = bytes.length
    this.#memoryBytes += inMemory
    const close = async () => {
      this.#memoryBytes -= inMemory
      inMemory = 0
    }
    return {
      size: bytes.length,
      read: async ({ start, end }) => Uint8Array.prototype.slice.call(bytes, start, end),
      close,
    }
  }

  /**
   * Takes a body in.
   *
   * @throws DittoError DITTO_LIMIT (more than `maxBytes`), DITTO_NO_SPACE; whatever `body` throws when it is cut
   */
  async receive(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<SpooledBody> {
    const held: Uint8Array[] = []
    let inMemory = 0
    let file: FileHandle | undefined
    let size = 0
    const release = async () => {
      this.#memoryBytes -= inMemory
      inMemory = 0
      held.length = 0
      const opened = file
      file = undefined
      await opened?.close()
    }
    const spill = async () => {
      file ??= await this.#openUnnamed()
      for (const piece of held) await writeFully(file, piece)
      held.length = 0
      this.#memoryBytes -= inMemory
      inMemory = 0
    }
    try {
      for await (const piece of body) {
        size += piece.length
        if (size > maxBytes) throw new DittoError('DITTO_LIMIT', `A file may have at most ${maxBytes} bytes.`)
        held.push(piece)
        inMemory += piece.length
        this.#memoryBytes += piece.length
        const isFull = inMemory > MAX_SPOOL_MEMORY_BYTES || this.#memoryBytes > MAX_SPOOL_MEMORY_TOTAL_BYTES
        if (isFull || (file !== undefined && inMemory >= TRANSFER_BYTES)) await spill()
      }
      if (file !== undefined) await spill()
    } catch (error) {
      await release()
      throw asDittoError(error)
    }
    const whole = file
    // Pieces of a network are small: the volume asks for few and large ones.
    if (whole === undefined) held.splice(0, held.length, Buffer.concat(held))
    const read = async ({ start, end }: ByteRange): Promise<Uint8Array> =>
      whole === undefined ? Uint8Array.prototype.slice.call(held[0], start, end) : fromFile(whole, start, end)
    return { size, read, close: release }
  }

  async #openUnnamed(): Promise<FileHandle> {
    const name = path.join(this.#directory, `webdav-upload-${randomBytes(12).toString('hex')}`)
    const file = await open(name, 'wx+', 0o600)
    // On Windows an open file keeps its name: it is left to whoever clears the directory.
    await unlink(name).catch(() => {})
    return file
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten
}

async function fromFile(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(end - start)
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done)
    if (bytesRead === 0) throw new DittoError('DITTO_IO', 'The file that held an upload lost its end.')
    done += bytesRead
  }
  return bytes
}

function asDittoError(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DittoError('DITTO_NO_SPACE', 'There is no space left for an upload.', { cause: error })
  }
  return error
}
