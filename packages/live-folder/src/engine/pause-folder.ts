import type { FolderRuntime } from './linked-folder.ts'
import type { PauseReason } from './space-folders.ts'

/** Pauses a folder, with what there is to say of the reason. Those with more to say bring their own message. */
export function pauseFor(folder: FolderRuntime, reason: Exclude<PauseReason, 'brake' | 'marker'>): void {
  const messages = {
    person: 'Paused.',
    'root-missing': 'The folder is not there; put it back, or its disk, and resume.',
    'directory-gone': 'The space has the directory of this folder no longer; unlink it, or bring the directory back.',
  }
  folder.paused = { reason, message: messages[reason] }
}
