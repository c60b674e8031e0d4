import {
  type AbortOptions,
  type ChunkerKind,
  type ChunkStore,
  type ContentRef,
  type ContentSource,
  type CreateWithContentOptions,
  type FileContent,
  MAX_FILE_BYTES,
  type MetadataStore,
  type ReplaceContentOptions,
  type SpliceContent,
  type TreeEntry,
  type VersionId,
  type VolumeHandle,
} from '@dittofs/interface'
import type { EntryFinder } from './entry-finder.ts'
import type { FileCommitter } from './file-committer.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { OpenFiles } from './open-files.ts'
import type { TreeChanges } from './tree-changes.ts'
import { checkRange, fault, staleHandle } from './volume-faults.ts'

const NOTHING = { content: { kind: 'inline', chunks: [] }, size: 0 } as const

export interface WholeContentsInit {
  metadata: Pick<MetadataStore, 'space'>
  store: ChunkStore
  spliceContent: SpliceContent
  chunker: ChunkerKind
  guard: <T>(work: () => Promise<T>) => Promise<T>
  committer: FileCommitter
  finder: EntryFinder
  files: OpenFiles
  tree: TreeChanges
  held: HeldBytes
  nowNs: () => bigint
}

/**
 * Files whose content comes as a whole: it goes into the store without a way by a write buffer, and is named by the
 * metadata once it is durable there.
 */
export class WholeContents {
  readonly #init: WholeContentsInit

  constructor(init: WholeContentsInit) {
    this.#init = init
  }

  async create(
    directory: VolumeHandle,
    name: string,
    source: ContentSource,
    { mode, mtimeNs, signal }: CreateWithContentOptions,
  ): Promise<TreeEntry> {
    const { guard, tree, nowNs } = this.#init
    // Before a byte is read; whether it is so still is seen when the name is made.
    tree.assertFree(directory, name)
    return guard(async () => {
      const content = await this.#store(source, signal === undefined ? {} : { signal })
      const file = { size: source.size, mode: mode & 0o777, mtimeNs: mtimeNs ?? nowNs(), content }
      return tree.make(directory, name, () => ({ kind: 'file', file }))
    })
  }

  /** To be called while nobody else reads or changes the file. @param entry - what the file is shown as */
  async replace(
    handle: VolumeHandle,
    entry: TreeEntry & { readonly file: FileContent },
    source: ContentSource,
    { mtimeNs, signal }: ReplaceContentOptions,
  ): Promise<void> {
    const { guard, committer, finder, files, nowNs } = this.#init
    await guard(async () => {
      const content = await this.#store(source, signal === undefined ? {} : { signal })
      const open = files.get(handle)
      const { node, version } = open?.entry ?? entry
      if (version === undefined) throw staleHandle()
      const mode = open?.mode ?? entry.file.mode
      const file = { size: source.size, mode, mtimeNs: mtimeNs ?? nowNs(), content }
      const seen = { handle, entry: { node, version: version satisfies VersionId } }
      await committer.publish(seen, file, () => {
        const shown = finder.find(handle)
        if (shown === undefined) throw staleHandle()
        return shown
      })
      if (open !== undefined) await files.end(open)
    })
  }

  async #store(source: ContentSource, options: AbortOptions): Promise<ContentRef> {
    const { metadata, store, spliceContent, chunker, held } = this.#init
    const { size } = source
    checkRange(size, 0, MAX_FILE_BYTES, 'The size of a file')
    options.signal?.throwIfAborted()
    if (size === 0) return NOTHING.content
    const read: ContentSource['read'] = async (range, reading) => {
      const bytes = await source.read(range, reading)
      if (bytes.length === range.end - range.start) return bytes
      throw fault('DITTO_IO', 'What was to be stored has fewer bytes than it was said to have.')
    }
    const edit = { size, changed: [{ start: 0, end: size }], zeros: [], read }
    const spliced = await spliceContent(store, metadata.space, NOTHING, edit, {
      chunker,
      durability: 'full',
      isCounted: false,
      ...options,
    })
    held.stored(spliced.content)
    return spliced.content
  }
}
