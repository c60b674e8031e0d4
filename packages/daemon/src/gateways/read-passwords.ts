import { lstat, readFile } from 'node:fs/promises'
import { DittoError } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'

const MAX_PASSWORD_FILE_BYTES = 64 * 1024

/**
 * The users of a gateway: a line `USER:PASSWORD` each; empty lines and those that begin with `#` say nothing.
 *
 * @throws DittoError DITTO_CONFIG_INVALID (malformed, empty, or others may read it), DITTO_NOT_FOUND, DITTO_PERMISSION
 */
export async function readPasswords(file: string): Promise<Readonly<Record<string, string>>> {
  try {
    const { mode, size } = await lstat(file)
    if ((mode & 0o077) !== 0) {
      throw invalid(file, `others on this machine may read it; run "chmod 600 ${file}"`)
    }
    if (size > MAX_PASSWORD_FILE_BYTES) throw invalid(file, `it is larger than ${MAX_PASSWORD_FILE_BYTES} bytes`)
    const users = Object.create(null) as Record<string, string>
    for (const line of (await readFile(file, 'utf8')).split(/\r?\n/)) {
      if (line.trim() === '' || line.startsWith('#')) continue
      const colon = line.indexOf(':')
      if (colon < 1 || colon === line.length - 1) throw invalid(file, 'a line is not USER:PASSWORD')
      users[line.slice(0, colon)] = line.slice(colon + 1)
    }
    if (Object.keys(users).length === 0) throw invalid(file, 'no user is in it')
    return users
  } catch (error) {
    throw fromSystemError(error, `read the password file ${JSON.stringify(file)}`)
  }
}

function invalid(file: string, why: string): DittoError {
  return new DittoError('DITTO_CONFIG_INVALID', `The password file ${JSON.stringify(file)} cannot be used: ${why}.`)
}
