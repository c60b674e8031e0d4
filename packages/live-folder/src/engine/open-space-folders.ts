import { BaseStore } from '../base/base-store.ts'
import { LiveSpaceFolders } from './live-space-folders.ts'
import type { SpaceFolders, SpaceFoldersInit } from './space-folders.ts'

/**
 * Opens what is known of a space's live folders. To be called before the space is exchanged with anyone: what the last life
 * was about to send is settled against the document as it was left.
 *
 * @throws DittoError DITTO_HOME_LOCKED, DITTO_STORE_VERSION, DITTO_NO_SPACE, DITTO_IO
 */
export async function openSpaceFolders(init: SpaceFoldersInit): Promise<SpaceFolders> {
  const store = new BaseStore(init.database)
  await store.open()
  const folders = new LiveSpaceFolders(init, store)
  folders.start()
  return folders
}
