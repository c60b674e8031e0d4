/** Whether this process may act as another user for a while; only then can a test meet a file it may not read. */
export const canChangeUser = process.geteuid?.() === 0 && process.seteuid !== undefined

const NOBODY = 65_534

/** Runs `action` with the rights of a user who owns nothing. */
export async function asOtherUser<T>(action: () => Promise<T>): Promise<T> {
  process.seteuid?.(NOBODY)
  try {
    return await action()
  } finally {
    process.seteuid?.(0)
  }
}
