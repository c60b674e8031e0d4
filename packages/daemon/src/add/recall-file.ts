import type { AbortOptions, FileContent } from '@dittofs/interface'
import { contentKey } from '../content/content-key.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import { type Origin, stampOf } from '../state/origins.ts'
import type { SourceEntry } from './source-entry.ts'

/**
 * What a file on disk holds, known without reading it: it is as it was when it last went into the space, the space still
 * shows that content, and every chunk of it is held.
 *
 * @param origin - what the file was when it last went into this space
 * @returns `undefined` where it has to be read
 */
export async function recallFile(
  { stat }: SourceEntry,
  origin: Origin | undefined,
  { id, metadata }: Pick<OpenSpace, 'id' | 'metadata'>,
  held: HeldChunks,
  options: AbortOptions = {},
): Promise<FileContent | undefined> {
  if (origin?.stamp === undefined || origin.stamp !== stampOf(stat)) return undefined
  const file = metadata.find(origin.node)?.file
  if (file === undefined || contentKey(file.content) !== origin.content) return undefined
  if (BigInt(file.size) !== stat.size) return undefined
  const [missing] = await held.missingOf(id, [file], options)
  // A damaged chunk is not held: the file is there to give it back.
  if (missing?.chunks !== 0) return undefined
  return { size: file.size, content: file.content, mtimeNs: stat.mtimeNs, mode: Number(stat.mode & 0o777n) }
}
