import { type AbortOptions, DittoError, type FileContent, type TreeEntry, type VersionId } from '@dittofs/interface'
import type { FileVersionRef } from '@dittofs/sync'
import { chunkCountOf, type HeldChunks } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'
import type { KeptContent } from './kept-content.ts'

/** Files asked about at a time: as many as one question may name (`MAX_VERSIONS_PER_QUESTION`). */
const FILES_PER_QUESTION = 256

/** For each version whether a connected device says that it keeps it; `undefined` where none is connected. */
export type AskKept = (
  space: OpenSpace,
  versions: readonly FileVersionRef[],
  options: AbortOptions,
) => Promise<readonly boolean[] | undefined>

export interface EvictFilesInit {
  space: OpenSpace
  kept: KeptContent
  held: HeldChunks
  ask: AskKept
}

export interface EvictedFiles {
  readonly files: number
  /** Of theirs, bytes that were here. */
  readonly bytes: number
  readonly skipped: readonly { readonly path: string; readonly code: string; readonly reason: string }[]
  /** Why nothing at all may be dropped, if so. */
  readonly refusal?: DittoError
}

type FileEntry = TreeEntry & { readonly file: FileContent; readonly version: VersionId }

/**
 * Asks others about every file at and below a path that is evicted, and notes as released what they keep. Nothing is
 * dropped yet.
 */
export async function evictFiles(
  { space, kept, held, ask }: EvictFilesInit,
  path: string,
  options: AbortOptions = {},
): Promise<EvictedFiles> {
  const skipped: { path: string; code: string; reason: string }[] = []
  let files = 0
  let bytes = 0
  let isAnybodyThere = true
  const skip = (entry: TreeEntry, code: string, reason: string) => void skipped.push({ path: entry.path, code, reason })
  const reader = kept.reader(space)
  for await (const entries of space.metadata.walk(path, options)) {
    const own = entries.filter(isFile)
    for (const entry of own) if (reader.of(entry) === 'pinned') skip(entry, 'DITTO_USAGE', 'It is pinned here.')
    const evicted = own.filter((entry) => reader.of(entry) === 'evicted')
    for (let at = 0; at < evicted.length; at += FILES_PER_QUESTION) {
      const some = evicted.slice(at, at + FILES_PER_QUESTION)
      const missing = await held.missingOf(
        space.id,
        some.map(({ file }) => file),
        options,
      )
      const here = some.filter((entry, nth) => (missing[nth]?.chunks ?? 0) < chunkCountOf(entry.file))
      const bytesHere = new Map(some.map((entry, nth) => [entry, entry.file.size - (missing[nth]?.bytes ?? 0)]))
      files += some.length - here.length
      if (here.length === 0) continue
      const released = await kept.release(space, here, async () => {
        const answers = await ask(
          space,
          here.map(({ node, version }) => ({ node, version })),
          options,
        )
        isAnybodyThere = answers !== undefined
        return answers ?? []
      })
      for (const [nth, entry] of here.entries()) {
        if (released[nth] === true) {
          files++
          bytes += bytesHere.get(entry) ?? 0
        } else if (isAnybodyThere) skip(entry, 'DITTO_CHUNK_MISSING', 'No connected device says that it keeps it.')
        else skip(entry, 'DITTO_PEER_UNREACHABLE', 'No other device is connected.')
      }
    }
  }
  const refused = skipped.filter(({ code }) => code !== 'DITTO_USAGE')
  const refusal = files === 0 && refused.length > 0 ? refusalOf(path, isAnybodyThere) : undefined
  return { files, bytes, skipped, ...(refusal === undefined ? {} : { refusal }) }
}

function isFile(entry: TreeEntry): entry is FileEntry {
  return entry.file !== undefined && entry.version !== undefined
}

function refusalOf(path: string, isAnybodyThere: boolean): DittoError {
  const shown = JSON.stringify(path)
  return isAnybodyThere
    ? new DittoError(
        'DITTO_CHUNK_MISSING',
        `No connected device says that it keeps ${shown}, so its bytes stay here; wait until another has it, and try again.`,
      )
    : new DittoError(
        'DITTO_PEER_UNREACHABLE',
        `No other device is connected that could keep ${shown}, so its bytes stay here; run the daemon on both, and try again.`,
      )
}
