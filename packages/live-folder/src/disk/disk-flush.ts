import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** More files than that are made durable by one call for their whole file system. */
const FILES_ONE_BY_ONE = 16

/**
 * Makes files durable. Few one by one; many by syncfs(2), which Node does not offer and the program `sync` of every Linux
 * does: for 10,000 small files one call instead of as many.
 *
 * @param root - a directory on the file system of the files
 */
export async function makeDurable(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length > FILES_ONE_BY_ONE && process.platform === 'linux' && (await syncFileSystem(root))) return
  for (const path of paths) await syncFile(path)
}

function syncFileSystem(root: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile('sync', ['-f', root], (error) => resolve(error === null))
  })
}

/** A file that is gone, or may not be read, needs nothing. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)).catch(
    () => undefined,
  )
  if (handle === undefined) return
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
