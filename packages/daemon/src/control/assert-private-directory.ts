import { lstat } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'

/** Permission bits of other users that must be absent. */
const FORBIDDEN_MODES = { 'others-shut-out': 0o077, 'others-cannot-write': 0o022 } as const

/**
 * Makes sure that a directory belongs to this user and is what it seems. Node cannot ask who is at the other end of a
 * socket, so the directory around the socket is the guard (docs/security.md).
 *
 * @throws DittoError DITTO_HOME_UNSAFE
 */
export async function assertPrivateDirectory(
  directory: string,
  strictness: keyof typeof FORBIDDEN_MODES,
): Promise<void> {
  const shown = JSON.stringify(directory)
  const unsafe = (reason: string) =>
    new DittoError('DITTO_HOME_UNSAFE', `The directory of the control socket is not safe: ${shown} ${reason}.`)
  const found = await lstat(directory)
  if (found.isSymbolicLink()) throw unsafe('is a symlink; remove it')
  if (!found.isDirectory()) throw unsafe('is not a directory; remove it')
  // Windows has neither owners by number nor modes.
  const user = process.geteuid?.()
  if (user === undefined) return
  if (found.uid !== user) throw unsafe('belongs to another user; run as that user or choose another home')
  if ((found.mode & FORBIDDEN_MODES[strictness]) !== 0) throw unsafe('is open to other users; chmod it to 700')
}
