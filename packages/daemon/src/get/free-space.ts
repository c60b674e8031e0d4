import { statfs } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'

/**
 * Refuses to begin writing what cannot fit. A person asked for it, so no reserve is kept beyond that.
 *
 * @throws DittoError DITTO_NO_SPACE
 */
export async function requireFreeSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  if (bytes <= free) return
  throw new DittoError(
    'DITTO_NO_SPACE',
    `There is not enough space in ${JSON.stringify(directory)}: ${bytes} bytes are to be written and ${free} are free.`,
    { details: { needed: bytes, free } },
  )
}
