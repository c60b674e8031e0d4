import type { BaseDatabase } from '@dittofs/live-folder'
import { Level } from 'level'

/** The database for the last synced state of a space's live folders; not open yet. */
export function openFolderBase(directory: string): BaseDatabase {
  // That a Level is such a database the type checker finds or not, by which file it reads first (abstract-level 3.1).
  const database: unknown = new Level<string, Uint8Array>(directory, { keyEncoding: 'utf8', valueEncoding: 'view' })
  return database as BaseDatabase
}
