import type { MetadataStore } from '@dittofs/interface'
import { Level } from 'level'
import type { Database } from './metadata-database.ts'
import { YjsMetadataStore, type YjsMetadataStoreInit } from './yjs-metadata-store.ts'

/**
 * LevelDB maps every table it has open, 2 MiB each, and the whole database is read once, at the start. The least that it
 * takes is 74.
 */
const MAX_OPEN_FILES = 74

export interface MetadataStoreInit extends Omit<YjsMetadataStoreInit, 'database'> {
  /** A directory of this space's own; it is made if it is not there. */
  readonly directory: string
}

/** A space's metadata on a database of the caller's; not yet open. The store opens and closes the database. */
export function yjsMetadataStore(init: YjsMetadataStoreInit): MetadataStore {
  return new YjsMetadataStore(init)
}

/**
 * Opens a space's metadata in a directory.
 *
 * @throws DittoError DITTO_HOME_LOCKED, DITTO_STORE_CORRUPT, DITTO_STORE_VERSION, DITTO_IO, DITTO_PERMISSION
 */
export async function openMetadataStore({ directory, ...init }: MetadataStoreInit): Promise<MetadataStore> {
  const database: unknown = new Level<string, Uint8Array>(directory, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    maxOpenFiles: MAX_OPEN_FILES,
  })
  // That a Level is a database the type checker finds or not, by which file it reads first (abstract-level 3.1).
  const store = new YjsMetadataStore({ ...init, database: database as Database })
  await store.open()
  return store
}
