import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { DittoError, isDittoError } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'

/** Where one device keeps everything, by absolute paths. */
export interface Home {
  readonly path: string
  readonly config: string
  /** The device's key. */
  readonly identity: string
  /** The pool. */
  readonly chunks: string
  /** The registry of spaces, and a directory for each one's metadata. */
  readonly spaces: string
  /** What was written to spaces through gateways and is not committed. */
  readonly spool: string
  /** The lock, and the control socket while a daemon runs. */
  readonly run: string
  readonly logs: string
  /** What was found wrong and put right, one sentence each. */
  readonly repairs: readonly string[]
}

const PRIVATE_DIRECTORY = 0o700

/** `DITTOFS_HOME`, or `.dittofs` in the user's home directory. */
export function defaultHome(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment.DITTOFS_HOME
  return chosen === undefined || chosen === '' ? path.join(homedir(), '.dittofs') : path.resolve(chosen)
}

/**
 * Makes sure that a home and its directories exist and that nobody else can read or redirect them. The home may be a
 * symlink of the user's own; what is in it may not.
 *
 * @throws DittoError DITTO_HOME_UNSAFE, DITTO_PERMISSION, DITTO_NO_SPACE, DITTO_IO
 */
export async function openHome(directory: string): Promise<Home> {
  const repairs: string[] = []
  try {
    await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY })
    const root = await realpath(directory)
    await guard(root, await stat(root), repairs)
    const inside = async (name: string) => {
      const place = path.join(root, name)
      await mkdir(place, { mode: PRIVATE_DIRECTORY }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      await guard(place, await lstat(place), repairs)
      return place
    }
    return {
      path: root,
      config: path.join(root, 'config.toml'),
      identity: await inside('identity'),
      chunks: await inside('chunks'),
      spaces: await inside('spaces'),
      spool: await inside('spool'),
      run: await inside('run'),
      logs: await inside('logs'),
      repairs,
    }
  } catch (error) {
    const failure = fromSystemError(error, `use ${JSON.stringify(directory)} as the home of a device`)
    // What cannot be made is not something that was looked for and not found.
    if (!isDittoError(failure, 'DITTO_NOT_FOUND')) throw failure
    throw new DittoError('DITTO_IO', failure.message, { cause: error })
  }
}

async function guard(place: string, found: Stats, repairs: string[]): Promise<void> {
  const shown = JSON.stringify(place)
  if (found.isSymbolicLink()) throw unsafe(`${shown} is a symlink; replace it with a directory of its own`)
  if (!found.isDirectory()) throw unsafe(`${shown} is not a directory; move it away`)
  // Windows has neither owners by number nor modes.
  const user = process.geteuid?.()
  if (user === undefined) return
  if (found.uid !== user) throw unsafe(`${shown} belongs to another user; run as that user or choose another home`)
  if ((found.mode & 0o077) !== 0) {
    await chmod(place, PRIVATE_DIRECTORY)
    repairs.push(`Others could read ${shown}; now only its owner can.`)
  }
}

function unsafe(reason: string): DittoError {
  return new DittoError('DITTO_HOME_UNSAFE', `The home of the device is not safe: ${reason}.`)
}
