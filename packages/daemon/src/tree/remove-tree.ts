import { readdir, rmdir, unlink } from 'node:fs/promises'
import { openSafeDirectories, type SafeDirectories } from '@dittofs/live-folder'

/**
 * Removes a directory that we made, with all in it, without following a symlink that somebody put in its place.
 *
 * @param parent - absolute path of the directory it stands in
 */
export async function removeTree(parent: string, name: string): Promise<void> {
  const directories = await openSafeDirectories(parent)
  try {
    await empty(directories, [name])
    await directories.within([], (place) => rmdir(`${place}/${name}`))
  } finally {
    await directories.close()
  }
}

async function empty(directories: SafeDirectories, names: readonly string[]): Promise<void> {
  await directories.within(names, async (place) => {
    for (const child of await readdir(place, { withFileTypes: true })) {
      if (!child.isDirectory()) {
        await unlink(`${place}/${child.name}`)
        continue
      }
      await empty(directories, [...names, child.name])
      await rmdir(`${place}/${child.name}`)
    }
  })
}
