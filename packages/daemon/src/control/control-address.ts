import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DittoError } from '@dittofs/interface'
import { assertPrivateDirectory } from './assert-private-directory.ts'

/** Systems cut socket paths at 104 (macOS) or 108 (Linux) bytes, and some of them silently. */
const MAX_SOCKET_PATH_BYTES = 100

/** Where a socket or pipe elsewhere is written down: only a directory that is ours alone is trusted to say so. */
const ADDRESS_FILE = 'control-address'

interface ControlAddressInit {
  /** The home's `run` directory. */
  run: string
  environment?: NodeJS.ProcessEnv
}

/**
 * Chooses where the daemon of a home listens and makes that place ready: nobody else may be able to put a socket there,
 * and one left by a daemon that died is removed. The caller holds the home's lock.
 *
 * On Windows it is a named pipe with an unguessable name (untested).
 *
 * @throws DittoError DITTO_HOME_UNSAFE
 */
export async function prepareControlAddress(init: ControlAddressInit): Promise<string> {
  await assertPrivateDirectory(init.run, 'others-shut-out')
  const file = path.join(init.run, ADDRESS_FILE)
  await rm(file, { force: true })
  const inHome = path.join(init.run, 'control.sock')
  if (process.platform !== 'win32' && Buffer.byteLength(inHome) <= MAX_SOCKET_PATH_BYTES) {
    await rm(inHome, { force: true })
    return inHome
  }
  const elsewhere =
    process.platform === 'win32'
      ? `\\\\.\\pipe\\dittofs-${randomBytes(16).toString('hex')}`
      : await socketOutsideHome(init.run, init.environment ?? process.env)
  await writeFile(file, elsewhere, { mode: 0o600, flag: 'wx' })
  return elsewhere
}

async function socketOutsideHome(run: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const hash = createHash('sha256').update(run).digest('hex').slice(0, 16)
  const candidates: string[] = []
  const runtime = environment.XDG_RUNTIME_DIR
  if (runtime !== undefined && path.isAbsolute(runtime)) candidates.push(path.join(runtime, `dittofs-${hash}.sock`))
  candidates.push(path.join(tmpdir(), `dittofs-${process.geteuid?.() ?? ''}`, `${hash}.sock`))
  let problem: unknown
  for (const candidate of candidates) {
    if (Buffer.byteLength(candidate) > MAX_SOCKET_PATH_BYTES) continue
    try {
      const directory = path.dirname(candidate)
      if (directory !== runtime) await makePrivateDirectory(directory)
      await assertPrivateDirectory(directory, 'others-shut-out')
      await rm(candidate, { force: true })
      return candidate
    } catch (error) {
      problem = error
    }
  }
  throw new DittoError(
    'DITTO_HOME_UNSAFE',
    'The path of the home is too long for a socket and no other safe place was found; choose a home with a shorter path.',
    { cause: problem },
  )
}

async function makePrivateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/**
 * Where the daemon of a home would be listening; `undefined` when none can be, because the home was never used.
 *
 * @throws DittoError DITTO_HOME_UNSAFE when somebody else could have put a socket there
 */
export async function findControlAddress(run: string): Promise<string | undefined> {
  try {
    await lstat(run)
  } catch {
    return undefined
  }
  await assertPrivateDirectory(run, 'others-cannot-write')
  try {
    return await readFile(path.join(run, ADDRESS_FILE), 'utf8')
  } catch {
    return process.platform === 'win32' ? undefined : path.join(run, 'control.sock')
  }
}
