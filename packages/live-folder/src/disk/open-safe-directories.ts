import { access } from 'node:fs/promises'
import { CheckedDirectories } from './checked-directories.ts'
import { DescriptorDirectories } from './descriptor-directories.ts'
import type { SafeDirectories } from './safe-directories.ts'

/**
 * @param root - absolute path of a directory; symlinks in this path are the caller's own and are followed
 * @returns by descriptors where the system has `/proc/self/fd` (Linux), else by checks before and after
 */
export async function openSafeDirectories(root: string): Promise<SafeDirectories> {
  const hasDescriptorPaths = process.platform === 'linux' && (await exists('/proc/self/fd'))
  return hasDescriptorPaths ? DescriptorDirectories.open(root) : CheckedDirectories.open(root)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
