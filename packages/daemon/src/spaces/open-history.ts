import type { SpaceHistory } from '@dittofs/interface'
import { type HistoryDatabase, type SpaceHistoryInit, spaceHistory } from '@dittofs/metadata'
import type { Level } from 'level'
import { openDatabase } from '../state/open-database.ts'

/**
 * Opens the history of a space in a directory of its own; closing it closes the database.
 *
 * @throws DittoError DITTO_STORE_CORRUPT, DITTO_HOME_LOCKED, DITTO_IO
 */
export async function openHistory({
  directory,
  ...init
}: Omit<SpaceHistoryInit, 'database'> & { directory: string }): Promise<SpaceHistory> {
  const level: Level = await openDatabase(directory, 'the history of a space')
  // That a Level is such a database the type checker finds or not, by which file it reads first (abstract-level 3.1).
  const database: unknown = level
  const history = spaceHistory({ ...init, database: database as HistoryDatabase })
  await history.open()
  const close = history.close.bind(history)
  history.close = async () => {
    await close()
    await level.close()
  }
  return history
}
