import type { MetadataStore, NodeId, PinMark, TreeEntry } from '@dittofs/interface'

export interface MarkReaderInit {
  metadata: Pick<MetadataStore, 'lookup'>
  marks: ReadonlyMap<NodeId, { readonly mark: PinMark }>
  /** The directories that are live folders on this device. */
  folders: ReadonlySet<NodeId>
}

interface Found {
  readonly mark: PinMark | undefined
  readonly isInFolder: boolean
}

const NOTHING: Found = { mark: undefined, isInFolder: false }

/**
 * Says for entries of one walk what is decided about their bytes: by the nearest decision, that of the entry itself first.
 * In a live folder nothing is evicted, for its files are where the bytes are.
 */
export class MarkReader {
  readonly #init: MarkReaderInit
  readonly #directories = new Map<string, Found>()

  constructor(init: MarkReaderInit) {
    this.#init = init
  }

  of(entry: Pick<TreeEntry, 'path' | 'node' | 'nodes'>): PinMark | undefined {
    if (this.#init.marks.size === 0) return undefined
    const { mark, isInFolder } = this.#find(entry)
    return mark === 'evicted' && isInFolder ? undefined : mark
  }

  /** Whether the entry is, or lies in, a live folder. */
  isInFolder(entry: Pick<TreeEntry, 'path' | 'node' | 'nodes'>): boolean {
    return this.#find(entry).isInFolder
  }

  #find({ path, node, nodes = [node] }: Pick<TreeEntry, 'path' | 'node' | 'nodes'>): Found {
    const { marks, folders } = this.#init
    const above = path === '' ? NOTHING : this.#directory(path.slice(0, Math.max(0, path.lastIndexOf('/'))))
    let mark: PinMark | undefined
    let isInFolder = above.isInFolder
    for (const one of nodes) {
      mark ??= marks.get(one)?.mark
      isInFolder ||= folders.has(one)
    }
    return { mark: mark ?? above.mark, isInFolder }
  }

  #directory(path: string): Found {
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    const entry = this.#init.metadata.lookup(path)
    const found = entry === undefined ? NOTHING : this.#find(entry)
    this.#directories.set(path, found)
    return found
  }
}
