import type { AbortOptions, TreeEntry } from '@dittofs/interface'
import type { LackingFile } from '../content/content-fetcher.ts'
import type { HeldChunks } from '../content/held-chunks.ts'
import type { OpenSpace } from '../spaces/open-space.ts'

export interface TreeExtent {
  readonly files: number
  readonly bytes: number
  readonly lacking: readonly LackingFile[]
}

/** How much there is at a path and below, and what of it this device lacks. */
export async function findLacking(
  space: OpenSpace,
  path: string,
  held: HeldChunks,
  options: AbortOptions = {},
): Promise<TreeExtent> {
  const lacking: LackingFile[] = []
  let files = 0
  let bytes = 0
  for await (const batch of space.metadata.walk(path, options)) {
    const withContent = batch.filter(
      (entry): entry is TreeEntry & Required<Pick<TreeEntry, 'file'>> => 'file' in entry && entry.file !== undefined,
    )
    const missing = await held.missingOf(
      space.id,
      withContent.map((entry) => entry.file),
      options,
    )
    for (const [index, { path: at, file }] of withContent.entries()) {
      files++
      bytes += file.size
      const lack = missing[index]
      if (lack !== undefined && lack.chunks > 0) lacking.push({ path: at, file, missing: lack })
    }
  }
  return { files, bytes, lacking }
}
