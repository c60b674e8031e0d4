import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { DittoError } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import { Level } from 'level'
import type { Home } from './home.ts'
import { fromLevelError, levelFault } from './level-fault.ts'
import { writeFileWhole } from './write-file-whole.ts'

/** How long to wait for a holder that took the lock this instant to write its process ID down. */
const HOLDER_WAIT_MS = 500
const HOLDER_POLL_MS = 20

export interface HomeLock {
  release(): Promise<void>
}

/**
 * Makes this process the only one that uses a home.
 *
 * The lock is the one that an empty LevelDB takes on its LOCK file (fcntl; LockFile on Windows): the kernel grants it to
 * one process and frees it when that process ends, however it ends. So there is no stale lock to judge and no race in
 * taking one over; the process ID written beside it serves the message alone.
 *
 * @throws DittoError DITTO_HOME_LOCKED with `pid` in its details where the holder is known
 */
export async function lockHome(home: Home): Promise<HomeLock> {
  const holder = path.join(home.run, 'holder')
  const database = new Level(path.join(home.run, 'lock'))
  try {
    await openRepaired(database)
  } catch (error) {
    if (levelFault(error) === 'LEVEL_LOCKED') throw await lockedError(home, holder)
    throw fromLevelError(error, `use ${JSON.stringify(home.path)} as the home of a device`)
  }
  try {
    await writeFileWhole(holder, `${process.pid}\n`)
  } catch (error) {
    await database.close()
    throw fromSystemError(error, `use ${JSON.stringify(home.path)} as the home of a device`)
  }
  return { release: () => database.close() }
}

/**
 * A power cut may leave the lock's own files torn. Nothing is kept in them, so they go; LOCK itself stays, because a
 * lock on a removed file locks nothing.
 */
async function openRepaired(database: Level): Promise<void> {
  try {
    await database.open()
  } catch (error) {
    if (levelFault(error) === 'LEVEL_LOCKED') throw error
    for (const name of await readdir(database.location)) {
      if (name !== 'LOCK') await rm(path.join(database.location, name), { force: true })
    }
    await database.open()
  }
}

async function lockedError(home: Home, holder: string): Promise<DittoError> {
  const shown = JSON.stringify(home.path)
  for (let waitedMs = 0; ; waitedMs += HOLDER_POLL_MS) {
    const pid = Number.parseInt(await readFile(holder, 'utf8').catch(() => ''), 10)
    if (Number.isInteger(pid) && isRunning(pid)) {
      return new DittoError(
        'DITTO_HOME_LOCKED',
        `The home ${shown} is in use by process ${pid}; stop it first, or let its daemon do the work.`,
        { details: { pid, home: home.path } },
      )
    }
    if (waitedMs >= HOLDER_WAIT_MS) {
      return new DittoError('DITTO_HOME_LOCKED', `The home ${shown} is in use by another process; stop it first.`, {
        details: { home: home.path },
      })
    }
    await new Promise((resolve) => setTimeout(resolve, HOLDER_POLL_MS))
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
