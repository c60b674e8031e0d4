import { DittoError, isDittoError } from '@dittofs/interface'
import { Level } from 'level'
import { fromLevelError, levelFault } from '../home/level-fault.ts'

/**
 * Opens a LevelDB of the home.
 *
 * @param what - what is kept in it, as in `the list of spaces`
 * @throws DittoError DITTO_STORE_CORRUPT, DITTO_HOME_LOCKED, DITTO_IO
 */
export async function openDatabase(directory: string, what: string): Promise<Level> {
  const database = new Level(directory)
  try {
    await database.open()
    return database
  } catch (error) {
    const shown = JSON.stringify(directory)
    const failure = fromLevelError(error, `open ${shown}`)
    // A file that a manifest names and that is gone is damage too, though LevelDB calls it an I/O error.
    const isMissingFile = levelFault(error) === 'LEVEL_IO_ERROR' && isDittoError(failure, 'DITTO_IO')
    switch (isMissingFile ? 'LEVEL_CORRUPTION' : levelFault(error)) {
      case 'LEVEL_CORRUPTION':
        throw new DittoError(
          'DITTO_STORE_CORRUPT',
          `The database in ${shown}, ${what}, is damaged; nothing was changed. Restore it from a backup, or move the home away and join again from another device.`,
          { cause: error, details: { directory } },
        )
      case 'LEVEL_LOCKED':
        throw new DittoError('DITTO_HOME_LOCKED', `Another process uses the database in ${shown}; stop it first.`, {
          cause: error,
        })
      default:
        throw failure
    }
  }
}
