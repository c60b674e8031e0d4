import type { TreeEntry } from '@dittofs/interface'

/** The path of the directory that a path's last name is in; `''` is the root, which is in itself. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? '' : path.slice(0, slash)
}

export function pathIn(directory: TreeEntry, name: string): string {
  return directory.path === '' ? name : `${directory.path}/${name}`
}

/** Whether a path is that of a directory, or below it. */
export function isWithin(path: string, directory: string): boolean {
  return directory === '' || path === directory || path.startsWith(`${directory}/`)
}
