import { type AbortOptions, type ChunkStore, DittoError, type FileContent, type ReadManifest } from '@dittofs/interface'
import type { ContentFetcher } from '../content/content-fetcher.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import { readContent } from '../content/read-content.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

export interface ContentAccess {
  store: ChunkStore
  readManifest: ReadManifest
  held: HeldChunks
  fetcher: ContentFetcher
}

/** Sees to it that files' bytes are here. @throws DittoError DITTO_CHUNK_MISSING */
export async function ensureHeld(
  { held, fetcher }: ContentAccess,
  space: OpenSpace,
  files: readonly { readonly path: string; readonly file: FileContent }[],
  options: AbortOptions = {},
): Promise<void> {
  const missing = await held.missingOf(
    space.id,
    files.map(({ file }) => file),
    options,
  )
  const lacking = files.flatMap((one, nth) => {
    const lacks = missing[nth]
    return lacks === undefined || lacks.chunks === 0 ? [] : [{ ...one, missing: lacks }]
  })
  if (lacking.length > 0) await fetcher.ensure(space, lacking, options)
}

/** A file's bytes from beginning to end, all of them held. */
export function contentOf(
  { store, readManifest }: ContentAccess,
  space: OpenSpace,
  path: string,
  file: FileContent,
  options: AbortOptions = {},
): AsyncIterable<Uint8Array> {
  return readContent(file, { store, readManifest, space: space.id, start: 0, end: file.size, path, ...options })
}

/** A whole file in memory. @throws DittoError DITTO_LIMIT (longer than `maxBytes`), DITTO_CHUNK_MISSING */
export async function readWhole(
  access: ContentAccess,
  space: OpenSpace,
  { path, file }: { readonly path: string; readonly file: FileContent },
  maxBytes: number,
  options: AbortOptions = {},
): Promise<Uint8Array> {
  if (file.size > maxBytes) {
    throw new DittoError(
      'DITTO_LIMIT',
      `${JSON.stringify(path)} is longer than ${maxBytes} bytes; compare it by other means.`,
    )
  }
  await ensureHeld(access, space, [{ path, file }], options)
  const parts: Uint8Array[] = []
  for await (const part of contentOf(access, space, path, file, options)) parts.push(part)
  return Buffer.concat(parts)
}
