import { execFileSync } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import path from 'node:path'

/**
 * Runs `body` on a new ext4 of its own in a file. On a disk where many files were deleted lately ext4 makes new ones up to
 * ten times slower, so whoever came second would seem slow. Needs root and loop devices.
 *
 * @param directory - where the file and the mount point are made, and removed
 * @param bytes - what fits; only what is written takes room
 */
export async function withSessionDisk<T>(
  directory: string,
  bytes: number,
  body: (disk: string) => Promise<T>,
): Promise<T> {
  const [image, disk] = [path.join(directory, 'disk.img'), path.join(directory, 'disk')]
  const handle = await open(image, 'w')
  await handle.truncate(bytes)
  await handle.close()
  execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=1,nodiscard', image])
  await mkdir(disk, { recursive: true })
  execFileSync('mount', ['-o', 'loop,noinit_itable', image, disk])
  try {
    return await body(disk)
  } finally {
    execFileSync('umount', [disk])
    await rm(image)
  }
}
