import type { Volume, VolumeHandle } from '@dittofs/interface'
import { TRANSFER_BYTES } from './limits.ts'
import type { ByteRange } from './parse-ranges.ts'

/** A file was changed while it was read: its beginning and its end would be of two versions. */
export class FileChangedError extends Error {
  constructor() {
    super('The file was changed while it was read.')
    this.name = 'FileChangedError'
  }
}

interface FileReaderInit {
  readonly volume: Volume
  readonly handle: VolumeHandle
  /** Of the version that is to be read. */
  readonly changeTag: string
  readonly signal: AbortSignal
}

/**
 * Reads ranges of one version of a file. While the consumer has a piece the next one is on its way.
 *
 * @throws FileChangedError once the version is no longer the file's; no piece of another one is ever given out
 */
export async function* readRange(
  { volume, handle, changeTag, signal }: FileReaderInit,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const readAt = async (offset: number): Promise<Uint8Array> => {
    const length = Math.min(TRANSFER_BYTES, end + 1 - offset)
    const { bytes, changeTag: found } = await volume.read(handle, { offset, length, signal })
    if (found !== changeTag || bytes.length !== length) throw new FileChangedError()
    return bytes
  }
  let ahead: Promise<Uint8Array> | undefined = readAt(start)
  try {
    for (let offset = start; ahead !== undefined; ) {
      const bytes: Uint8Array = await ahead
      offset += bytes.length
      ahead = offset > end ? undefined : readAt(offset)
      // Nobody may be waiting when it fails.
      ahead?.catch(() => {})
      yield bytes
    }
  } finally {
    ahead?.catch(() => {})
  }
}
