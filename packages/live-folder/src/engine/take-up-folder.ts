import { DittoError } from '@dittofs/interface'
import type { DiskStamp } from '../disk-stamp.ts'
import type { FolderFileSystem } from '../folder-file-system.ts'
import { MARKER_NAME } from '../plan/own-names.ts'
import type { EngineContext } from './engine-context.ts'
import { readMarker, writeMarker } from './folder-marker.ts'
import { FolderRuntime } from './linked-folder.ts'
import { pauseFor } from './pause-folder.ts'
import type { LinkedFolder } from './space-folders.ts'

/**
 * Makes a directory of this device a live folder, or goes on with one that was one before.
 *
 * @throws DittoError DITTO_EXISTS (linked already, or by another device), DITTO_NOT_FOUND (no directory at either side),
 * DITTO_USAGE (in or around another live folder)
 */
export async function takeUpFolder(
  context: EngineContext,
  link: LinkedFolder,
  fileSystem: FolderFileSystem,
): Promise<FolderRuntime> {
  const { folders, store, base } = context
  if (folders.has(link.id)) throw new DittoError('DITTO_EXISTS', 'This folder is linked already.')
  const record = store.folders.get(link.id)
  const isKnown = base.folders.has(link.id) && record?.directoryNode === link.directoryNode
  if (!isKnown) checkDirectory(context, link)
  const folder = new FolderRuntime(link, fileSystem)
  folder.isTakenUp = isKnown
  if (record?.isPaused === true) pauseFor(folder, 'person')
  const root = await fileSystem.stat([])
  if (!isKnown) {
    await beginFolder(context, folder, root)
  } else if (root?.kind === 'directory') {
    await recoverStaged(context, folder)
  }
  folder.foldsCase = (await fileSystem.stat(['.DITTOFS-FOLDER']).catch(() => undefined)) !== undefined
  return folder
}

/** The marker that says whose folder it is is durable before the base remembers the folder. */
async function beginFolder(
  { store, base, init }: EngineContext,
  { link, fileSystem }: FolderRuntime,
  root: DiskStamp | undefined,
): Promise<void> {
  if (root?.kind !== 'directory') throw new DittoError('DITTO_NOT_FOUND', 'There is no directory to link.')
  const marker = await readMarker(fileSystem)
  if (marker !== undefined && marker !== link.id) {
    throw new DittoError(
      'DITTO_EXISTS',
      `That directory is a live folder of another device, or was one; unlink it there, or remove the file ${MARKER_NAME} in it.`,
    )
  }
  const old = base.folders.get(link.id)
  if (old !== undefined) base.remove(old)
  base.addFolder(link.id, link.directoryNode, root)
  await writeMarker(fileSystem, link.id, init.clock.now())
  await fileSystem.flush()
  await store.saveFolder(link.id, { directoryNode: link.directoryNode, isPaused: false })
  await store.commit()
}

function checkDirectory(context: EngineContext, link: LinkedFolder): void {
  const { folders, remote } = context
  const directory = remote.find(link.directoryNode)
  if (directory?.kind !== 'directory') {
    throw new DittoError('DITTO_NOT_FOUND', 'The space has no such directory to mirror.')
  }
  for (const other of folders.values()) {
    const path = remote.find(other.link.directoryNode)?.path
    if (path === undefined) continue
    if (
      `${path}/`.startsWith(`${directory.path}/`) ||
      `${directory.path}/`.startsWith(`${path}/`) ||
      path === '' ||
      directory.path === ''
    ) {
      throw new DittoError('DITTO_USAGE', 'Another live folder mirrors that directory, or one in or around it.')
    }
  }
}

/** What was put aside when this device stopped: where it stands now, the base does not know. */
async function recoverStaged(context: EngineContext, folder: FolderRuntime): Promise<void> {
  const { store, base } = context
  const root = base.folders.get(folder.id)
  for (const intent of [...store.leftIntents.values()].flat()) {
    if (intent.type !== 'stage' || root === undefined) continue
    const stamp = await folder.fileSystem.stat([intent.name])
    if (stamp === undefined) continue
    const entry = base.byInode(stamp).find(({ id, folder: its }) => id === intent.entry && its === folder.id)
    if (entry === undefined || entry.parent === root) continue
    base.move(entry, root, intent.name)
    base.update(entry, { stamp })
  }
  await store.commit()
}
