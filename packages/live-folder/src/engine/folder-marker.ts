import { isDittoError } from '@dittofs/interface'
import type { FolderFileSystem } from '../folder-file-system.ts'
import { MARKER_NAME } from '../plan/own-names.ts'
import type { PauseReason } from './space-folders.ts'

/** A marker is some 30 bytes; what is longer is none. */
const MAX_MARKER_BYTES = 1024

/** Why a folder must not be looked at: what is there now may be another disk, or an empty place where one was. */
export async function findRootFault(
  fileSystem: FolderFileSystem,
  id: string,
): Promise<{ readonly reason: PauseReason; readonly message: string } | undefined> {
  const root = await fileSystem.stat([])
  if (root?.kind !== 'directory') {
    return { reason: 'root-missing', message: 'The folder is not there; put it back, or its disk, and resume.' }
  }
  const marker = await readMarker(fileSystem)
  if (marker === id) return undefined
  const message =
    marker === undefined
      ? `The file ${MARKER_NAME} is missing in the folder; accept to go on with what is there now.`
      : 'The folder at this place is another one; put the right one back, or accept to go on with what is there now.'
  return { reason: 'marker', message }
}

/** The ID in a folder's marker; `undefined` where there is none, or nothing to make sense of. */
export async function readMarker(fileSystem: FolderFileSystem): Promise<string | undefined> {
  const stamp = await fileSystem.stat([MARKER_NAME])
  if (stamp?.kind !== 'file' || stamp.size > MAX_MARKER_BYTES) return undefined
  try {
    let text = ''
    for await (const bytes of fileSystem.read([MARKER_NAME], stamp)) text += Buffer.from(bytes).toString()
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'folder' in value && typeof value.folder === 'string'
      ? value.folder
      : undefined
  } catch (error) {
    if (error instanceof SyntaxError || isDittoError(error, 'DITTO_FILE_CHANGED')) return undefined
    throw error
  }
}

/** Where it cannot be removed it stays: the folder may be gone, or its disk not be written to. */
export async function removeMarker(fileSystem: FolderFileSystem, id: string): Promise<void> {
  try {
    if ((await readMarker(fileSystem)) !== id) return
    const stamp = await fileSystem.stat([MARKER_NAME])
    if (stamp !== undefined) await fileSystem.remove([MARKER_NAME], stamp)
  } catch (error) {
    if (!isDittoError(error)) throw error
  }
}

export async function writeMarker(fileSystem: FolderFileSystem, id: string, nowMs: number): Promise<void> {
  const there = await fileSystem.stat([MARKER_NAME])
  const bytes = Buffer.from(`${JSON.stringify({ folder: id })}\n`)
  const source = {
    async *content() {
      yield bytes
    },
    ...{ size: bytes.length, mode: 0o644, mtimeNs: BigInt(Math.floor(nowMs)) * 1_000_000n },
  }
  await fileSystem.writeFile([MARKER_NAME], source, there)
}
