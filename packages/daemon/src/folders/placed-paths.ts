import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { PlacedFile, PlacedFiles, PlaceKey } from '@dittofs/chunk-store'

/** Says where the file of a key is now, absolute; `undefined` where nobody knows. */
export type LocatePlace = (key: PlaceKey) => string | undefined

/**
 * Opens files of live folders for the chunk store. What is read is believed only as far as it has the hash it should
 * have, so a path that has come to lead elsewhere gives nothing away.
 */
export function placedPaths(locate: LocatePlace, doubt: (key: PlaceKey) => void): PlacedFiles {
  return {
    doubt,
    pathOf: locate,
    async open(key) {
      const path = locate(key)
      return path === undefined ? undefined : openFile(path)
    },
  }
}

async function openFile(path: string): Promise<PlacedFile | undefined> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  const handle = await open(path, flags).catch(() => undefined)
  if (handle === undefined) return undefined
  const isFile = await handle.stat().then(
    (stat) => stat.isFile(),
    () => false,
  )
  if (!isFile) {
    await handle.close()
    return undefined
  }
  return {
    async read(target, position) {
      let filled = 0
      while (filled < target.length) {
        const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    close: () => handle.close(),
  }
}
