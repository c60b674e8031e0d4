import type {
  Action,
  ChunkerKind,
  ChunkStore,
  ContentRef,
  MetadataStore,
  SpliceContent,
  TreeEntry,
} from '@dittofs/interface'
import type { EntryFinder } from './entry-finder.ts'
import type { GroupedChanges } from './grouped-changes.ts'
import type { MissingContent } from './missing-content.ts'
import type { NodeTimes } from './node-times.ts'
import { committedFile, type OpenFile } from './open-file.ts'
import type { OpenFiles } from './open-files.ts'
import { directoryOf } from './tree-paths.ts'

export interface FileCommitterInit {
  metadata: MetadataStore
  changes: GroupedChanges
  store: ChunkStore
  spliceContent: SpliceContent
  chunker: ChunkerKind
  guard: <T>(work: () => Promise<T>) => Promise<T>
  missing: MissingContent
  finder: EntryFinder
  times: NodeTimes
  files: () => OpenFiles
  /** @throws DittoError DITTO_ROLE: this device may not write any more */
  assertWritable: () => void
}

/**
 * Makes versions of what was written: first the bytes are durable in the store, then the metadata names them.
 *
 * The version is an edit of the one that the first write was made on, so that what somebody else wrote meanwhile stands
 * beside it.
 */
export class FileCommitter {
  readonly #init: FileCommitterInit
  readonly #running = new Map<OpenFile, Promise<void>>()

  constructor(init: FileCommitterInit) {
    this.#init = init
  }

  /** Commits a file that nobody changes while this runs. Calls at once share the work. */
  commit(file: OpenFile): Promise<void> {
    const running = this.#running.get(file)
    if (running !== undefined) return running
    const committing = this.#init.guard(() => this.#commit(file)).finally(() => this.#running.delete(file))
    this.#running.set(file, committing)
    return committing
  }

  async #commit(file: OpenFile): Promise<void> {
    const { changes, finder, files, times, assertWritable } = this.#init
    assertWritable()
    file.buffer.hold()
    try {
      const content = file.buffer.isChanged ? await this.#store(file) : file.entry.file.content
      let isStale = false
      let before: TreeEntry = file.entry
      const { node, version } = file.entry
      const edit = (): Action[] => {
        if (file.isGone) return []
        before = finder.find(file.handle) ?? file.entry
        isStale = before.version !== version
        const edited = { kind: 'file', file: committedFile(file, content) } as const
        return [{ type: 'edit', node, base: version, content: edited }]
      }
      const [shown] = await times.editing(node, () =>
        changes.change({ touches: () => [node, ...(before.nodes ?? [])], plan: edit }),
      )
      if (shown !== undefined) finder.follow(file.handle, before, shown)
      if (shown !== undefined && isStale) this.#conflicted(shown)
      await files().end(file)
    } finally {
      await file.buffer.release()
    }
  }

  async #store(file: OpenFile): Promise<ContentRef> {
    const { metadata, store, spliceContent, chunker, missing } = this.#init
    const { base } = file.buffer
    const { content } = await spliceContent(store, metadata.space, base, file.buffer.edit(), {
      chunker,
      durability: 'full',
      fetchNodes: (nodes, options) => missing.fetch(nodes, options),
    })
    return content
  }

  /** A conflict copy, or a file that lives again, is a name more. */
  #conflicted(shown: TreeEntry): void {
    const { metadata, times } = this.#init
    const directory = metadata.lookup(directoryOf(shown.path))
    if (directory !== undefined) times.childrenChanged(directory.node)
    times.treeChanged()
  }
}
