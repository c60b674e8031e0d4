import type {
  Action,
  ChunkerKind,
  ChunkStore,
  ContentRef,
  FileContent,
  MetadataStore,
  NodeId,
  SpliceContent,
  TreeEntry,
  VersionId,
  VolumeHandle,
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

/** A file, and the version of it that somebody saw who changes it. */
interface SeenFile {
  readonly handle: VolumeHandle
  readonly entry: { readonly node: NodeId; readonly version: VersionId }
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
    const { files, assertWritable } = this.#init
    assertWritable()
    file.buffer.hold()
    try {
      const content = file.buffer.isChanged ? await this.#store(file) : file.entry.file.content
      await this.publish(file, committedFile(file, content), () =>
        file.isGone ? undefined : (this.#init.finder.find(file.handle) ?? file.entry),
      )
      await files().end(file)
    } finally {
      await file.buffer.release()
    }
  }

  /**
   * Makes durable content a file's newest version, as an edit of the one that was seen.
   *
   * @param find - what the file is shown as when its turn comes; `undefined`: there is nothing to be changed any more
   */
  async publish(
    { handle, entry: { node, version } }: SeenFile,
    file: FileContent,
    find: () => TreeEntry | undefined,
  ): Promise<void> {
    const { changes, finder, times } = this.#init
    let before: TreeEntry | undefined
    const touches = () => [node, ...(find()?.nodes ?? [])]
    const plan = (): Action[] => {
      before = find()
      return before === undefined ? [] : [{ type: 'edit', node, base: version, content: { kind: 'file', file } }]
    }
    const [shown] = await times.editing(node, () => changes.change({ touches, plan }))
    if (shown === undefined || before === undefined) return
    finder.follow(handle, before, shown)
    if (before.version !== version) this.#conflicted(shown)
  }

  async #store(file: OpenFile): Promise<ContentRef> {
    const { metadata, store, spliceContent, chunker, missing } = this.#init
    const { base } = file.buffer
    const { content } = await spliceContent(store, metadata.space, base, file.buffer.edit(), {
      chunker,
      durability: 'full',
      isCounted: false,
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
