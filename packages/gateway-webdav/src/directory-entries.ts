import type { Volume, VolumeDirent, VolumeEntry } from '@dittofs/interface'
import { LISTING_PAGE } from './limits.ts'

/** What stands in a directory, page by page. */
export async function* pagesOf(volume: Volume, directory: VolumeEntry): AsyncGenerator<readonly VolumeDirent[]> {
  for (let after = 0n, isEnd = false; !isEnd; ) {
    const page = await volume.readDirectory(directory.handle, { after, limit: LISTING_PAGE })
    yield page.entries
    after = page.entries.at(-1)?.cookie ?? after
    isEnd = page.isEnd || page.entries.length === 0
  }
}

/** What stands in a directory, one entry after the other. */
export async function* entriesOf(
  volume: Volume,
  directory: VolumeEntry,
): AsyncGenerator<{ readonly name: string; readonly entry: VolumeEntry }> {
  for await (const page of pagesOf(volume, directory)) {
    for (const { name, handle, attributes } of page) yield { name, entry: { handle, attributes } }
  }
}
