import type { Action, TreeEntry } from '@dittofs/interface'
import { contentKey } from '../content/content-key.ts'

/** Whether an action made from a file on disk would change nothing of what is shown: no record is written for it. */
export function showsAlready(shown: TreeEntry, action: Action): boolean {
  if (action.type === 'write' && shown.file !== undefined) {
    const { file } = action
    return (
      file.mode === shown.file.mode &&
      isSameTime(file.mtimeNs, shown.file.mtimeNs) &&
      contentKey(file.content) === contentKey(shown.file.content)
    )
  }
  if (action.type === 'symlink' && shown.symlink !== undefined) {
    return action.symlink.target === shown.symlink.target && isSameTime(action.symlink.mtimeNs, shown.symlink.mtimeNs)
  }
  if (action.type === 'mkdir' && shown.directory !== undefined) {
    const { mode, mtimeNs } = action.directory
    return mode === shown.directory.mode && isSameTime(mtimeNs, shown.directory.mtimeNs)
  }
  return false
}

/** A file that `get` wrote has its time in whole microseconds, see `fileTime`: it is not newer for that. */
function isSameTime(onDiskNs: bigint, shownNs: bigint): boolean {
  return onDiskNs === shownNs || (onDiskNs % 1000n === 0n && onDiskNs / 1000n === shownNs / 1000n)
}
