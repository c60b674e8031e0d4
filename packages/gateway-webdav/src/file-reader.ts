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
 * Reads ranges of one version of a file, some pieces at a time. While the consumer has them the next ones are on their way.
 *
 * @throws FileChangedError once the version is no longer the file's; no piece of another one is ever given out
 */
export async function* readRange(
  { volume, handle, changeTag, signal }: FileReaderInit,
  { start, end }: ByteRange,
): AsyncGenerator<readonly Uint8Array[]> {
  const lengthAt = (offset: number) => Math.min(TRANSFER_BYTES, end + 1 - offset)
  const readAt = async (offset: number): Promise<readonly Uint8Array[]> => {
    const length = lengthAt(offset)
    const { pieces, changeTag: found } = await volume.readPieces(handle, { offset, length, signal })
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    if (found !== changeTag || bytes !== length) throw new FileChangedError()
    return pieces
  }
  let ahead: Promise<readonly Uint8Array[]> | undefined = readAt(start)
  try {
    for (let offset = start; ahead !== undefined; ) {
      const pieces: readonly Uint8Array[] = await ahead
      offset += lengthAt(offset)
      ahead = offset > end ? undefined : readAt(offset)
      // Nobody may be waiting when it fails.
      ahead?.catch(() => {})
      yield pieces
    }
  } finally {
    ahead?.catch(() => {})
  }
}
