import { realpath } from 'node:fs/promises'
import nodePath from 'node:path'
import { type AbortOptions, DittoError, type Durability, type HistoryVersion } from '@dittofs/interface'
import { fromSystemError } from '@dittofs/live-folder'
import { TreeWriter } from '../tree/tree-writer.ts'
import type { Target } from './find-target.ts'
import { type ContentAccess, contentOf, ensureHeld } from './read-whole.ts'

/** Writes a version of a file to a place of the user's, replacing what is there. */
export async function writeVersion(
  init: ContentAccess & { durability: Durability },
  { space, path }: Target,
  { content }: HistoryVersion,
  output: string,
  options: AbortOptions = {},
): Promise<void> {
  if (content === undefined || content.kind === 'directory') {
    throw new DittoError('DITTO_USAGE', `${JSON.stringify(path)} is a directory; only files are written elsewhere.`)
  }
  const root = await realpath(nodePath.dirname(output)).catch((error: unknown) => {
    throw fromSystemError(error, `write to ${JSON.stringify(output)}`)
  })
  const name = nodePath.basename(output)
  const { durability } = init
  if (content.kind === 'file') await ensureHeld(init, space, [{ path, file: content.file }], options)
  const writer = await TreeWriter.open({ root, symlinks: 'all', durability, canReplace: true, chosenName: name })
  try {
    if (content.kind === 'symlink') await writer.makeSymlink([name], content.symlink.target, content.symlink.mtimeNs)
    else {
      const { file } = content
      await writer.writeFile([name], file, file.size, () => contentOf(init, space, path, file, options))
    }
  } finally {
    await writer.close()
  }
}
