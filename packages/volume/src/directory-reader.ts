import { setImmediate } from 'node:timers/promises'
import type {
  ReadDirectoryOptions,
  TreeEntry,
  VolumeDirent,
  VolumeEntry,
  VolumeHandle,
  VolumeName,
} from '@dittofs/interface'
import type { EntryFinder } from './entry-finder.ts'
import { fileIdOf } from './handle-codec.ts'
import type { ListingPage, Listings } from './listings.ts'
import type { NodeDescriptions } from './node-descriptions.ts'
import { checkRange } from './volume-faults.ts'

/** Entries of one listing. */
const MAX_LISTED = 4096

export interface DirectoryReaderInit {
  listings: Listings
  descriptions: NodeDescriptions
  finder: EntryFinder
  /** @throws DittoError DITTO_HANDLE_STALE, DITTO_NOT_DIRECTORY */
  directory: (handle: VolumeHandle) => TreeEntry
}

/** Listings as they are told, page by page, with a turn for others between the pages. */
export class DirectoryReader {
  readonly #init: DirectoryReaderInit

  constructor(init: DirectoryReaderInit) {
    this.#init = init
  }

  entries(handle: VolumeHandle, options: ReadDirectoryOptions): Promise<{ entries: VolumeDirent[]; isEnd: boolean }> {
    return this.#read(handle, options, async (page) => {
      const described = await this.#init.descriptions.entries(page.map(({ entry }) => entry))
      return page.map(({ entry, cookie }, index) => {
        return { name: entry.name, cookie, ...(described[index] as VolumeEntry) }
      })
    })
  }

  names(handle: VolumeHandle, options: ReadDirectoryOptions): Promise<{ entries: VolumeName[]; isEnd: boolean }> {
    const { finder } = this.#init
    return this.#read(handle, options, async (page) =>
      page.map(({ entry, cookie }) => {
        return { name: entry.name, cookie, fileId: fileIdOf(finder.handleOf(entry)) }
      }),
    )
  }

  async #read<T>(
    handle: VolumeHandle,
    { after, limit, signal }: ReadDirectoryOptions,
    tell: (page: ListingPage['entries']) => Promise<T[]>,
  ): Promise<{ entries: T[]; isEnd: boolean }> {
    signal?.throwIfAborted()
    const find = (): TreeEntry => this.#init.directory(handle)
    find()
    checkRange(limit, 1, MAX_LISTED, 'The number of entries asked for at once')
    const entries: T[] = []
    for (let from = after; ; ) {
      const page = await this.#init.listings.page(find, from, limit - entries.length)
      entries.push(...(await tell(page.entries)))
      if (page.isEnd || entries.length === limit) return { entries, isEnd: page.isEnd }
      from = page.next
      await setImmediate()
      signal?.throwIfAborted()
    }
  }
}
