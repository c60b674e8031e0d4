import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { systemErrorName } from '@dittofs/live-folder'

/**
 * Whether a regular file holds exactly `content`. Never follows a symlink and never waits at a FIFO: those are not the
 * same as any content.
 *
 * @param size - of the content, in bytes
 */
export async function sameContent(place: string, size: number, content: AsyncIterable<Uint8Array>): Promise<boolean> {
  const handle = await openRegularFile(place)
  if (handle === undefined) return false
  try {
    if ((await handle.stat()).size !== size) return false
    let position = 0
    for await (const expected of content) {
      const present = Buffer.allocUnsafe(expected.length)
      let filled = 0
      while (filled < present.length) {
        const { bytesRead } = await handle.read(present, filled, present.length - filled, position + filled)
        if (bytesRead === 0) return false
        filled += bytesRead
      }
      if (!present.equals(expected)) return false
      position += filled
    }
    return position === size
  } finally {
    await handle.close()
  }
}

async function openRegularFile(place: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const handle = await open(place, flags).catch((error: unknown) => {
    // A symlink, a socket, a device without a driver: no regular file.
    if (['ELOOP', 'EMLINK', 'ENXIO', 'ENODEV'].includes(systemErrorName(error) ?? '')) return undefined
    throw error
  })
  if (handle === undefined) return undefined
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  return undefined
}
