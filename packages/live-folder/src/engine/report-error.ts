import type { FolderRuntime } from './linked-folder.ts'

/** Reports that something came in the way of a path, by the code of the error. */
export function reportError(
  folder: FolderRuntime,
  side: 'disk' | 'document',
  path: string,
  error: { code: string; message: string },
): void {
  const kind = error.code === 'DITTO_PERMISSION' ? 'permission' : error.code === 'DITTO_NO_SPACE' ? 'no-space' : 'io'
  folder.report(side, path, kind, error.message)
}
