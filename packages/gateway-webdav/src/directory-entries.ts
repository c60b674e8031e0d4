import type { Volume, VolumeEntry } from '@dittofs/interface'
import { LISTING_PAGE } from './limits.ts'

/** What stands in a directory, page by page. */
export async function* entriesOf(
  volume: Volume,
  directory: VolumeEntry,
): AsyncGenerator<{ readonly name: string; readonly entry: VolumeEntry }> {
  for (let after = 0n, isEnd = false; !isEnd; ) {
    const page = await volume.readDirectory(directory.handle, { after, limit: LISTING_PAGE })
    for (const { name, handle, attributes } of page.entries) yield { name, entry: { handle, attributes } }
    after = page.entries.at(-1)?.cookie ?? after
    isEnd = page.isEnd || page.entries.length === 0
  }
}
