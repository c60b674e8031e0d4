import { DittoError } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'

/** What LevelDB says of a failed system call is in its message alone. */
const SYSTEM_FAULTS: readonly (readonly [pattern: RegExp, errno: string])[] = [
  [/no space left on device/i, 'ENOSPC'],
  [/disk quota exceeded/i, 'EDQUOT'],
  [/permission denied|operation not permitted/i, 'EACCES'],
  [/read-only file system/i, 'EROFS'],
  [/too many open files/i, 'EMFILE'],
]

/** The code that LevelDB gave, of the error itself or as its cause: `LEVEL_LOCKED`, `LEVEL_CORRUPTION`. */
export function levelFault(error: unknown): string | undefined {
  return levelErrors(error).at(-1)?.code
}

/**
 * Says in one sentence what a failure of LevelDB, or of the system, prevented.
 *
 * @param action - what was to be done, as in `open "/home/alice/.dittofs/run/lock"`
 * @returns `error` itself when it is neither, or says so already
 */
export function fromLevelError(error: unknown, action: string): unknown {
  if (error instanceof DittoError) return error
  const faults = levelErrors(error)
  const deepest = faults.at(-1)
  if (deepest === undefined) return fromSystemError(error, action)
  for (const [pattern, errno] of SYSTEM_FAULTS) {
    if (pattern.test(deepest.message)) {
      return fromSystemError(Object.assign(new Error(deepest.message, { cause: error }), { code: errno }), action)
    }
  }
  return new DittoError('DITTO_IO', `Cannot ${action}: the database reports ${deepest.message}.`, { cause: error })
}

/** The error and its causes, as far as they are LevelDB's. */
function levelErrors(error: unknown): { readonly code: string; readonly message: string }[] {
  const found: { code: string; message: string }[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    const code: unknown = 'code' in at ? at.code : undefined
    if (typeof code === 'string' && code.startsWith('LEVEL_')) found.push({ code, message: at.message })
  }
  return found
}
