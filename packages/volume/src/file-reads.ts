import type { FileContent, ReadOptions, TreeEntry, VolumeHandle, VolumePieces } from '@dittofs/interface'
import { changeTagOf } from './describe-node.ts'
import type { VolumeParts } from './volume-parts.ts'

export type FileEntry = TreeEntry & { readonly file: FileContent }

type Begun = Omit<VolumePieces, 'pieces'> & { readonly pieces: () => Promise<readonly Uint8Array[]> }

/**
 * Reads files in their turn; of a version that never changes it only begins to, so that nobody who writes waits for bytes
 * from other devices.
 */
export class FileReads {
  readonly #parts: Pick<VolumeParts, 'files' | 'reader' | 'turns'>
  readonly #epoch: string
  readonly #find: (key: VolumeHandle) => FileEntry

  /**
   * @param epoch - see `describeNode`
   * @param find - throws DittoError DITTO_HANDLE_STALE
   */
  constructor(
    parts: Pick<VolumeParts, 'files' | 'reader' | 'turns'>,
    epoch: string,
    find: (key: VolumeHandle) => FileEntry,
  ) {
    this.#parts = parts
    this.#epoch = epoch
    this.#find = find
  }

  async read(key: VolumeHandle, options: ReadOptions): Promise<VolumePieces> {
    const { turns, files } = this.#parts
    // A file that nobody changes is read without a turn.
    const begun =
      turns.isFree(key) && files.get(key) === undefined
        ? this.#beginStored(this.#find(key), options)
        : await turns.share(key, () => this.#begin(key, options))
    return { pieces: await begun.pieces(), isEnd: begun.isEnd, changeTag: begun.changeTag }
  }

  async #begin(key: VolumeHandle, options: ReadOptions): Promise<Begun> {
    const open = this.#parts.files.get(key)
    const entry = this.#find(key)
    if (open === undefined) return this.#beginStored(entry, options)
    const changeTag = changeTagOf({ open, entry, epoch: this.#epoch })
    const { part, isEnd } = partOf(options, open.buffer.size)
    open.buffer.hold()
    try {
      const bytes = await open.buffer.read(part, abortOf(options))
      return { pieces: async () => [bytes], isEnd, changeTag }
    } finally {
      await open.buffer.release()
    }
  }

  #beginStored(entry: FileEntry, options: ReadOptions): Begun {
    const { reader } = this.#parts
    const { file } = entry
    const { part, isEnd } = partOf(options, file.size)
    reader.readAhead(file, part)
    const changeTag = changeTagOf({ open: undefined, entry, epoch: this.#epoch })
    return { pieces: () => reader.pieces(file, part, abortOf(options)), isEnd, changeTag }
  }
}

function partOf({ offset, length }: ReadOptions, size: number) {
  const part = { start: Math.min(offset, size), end: Math.min(offset + length, size) }
  return { part, isEnd: offset + length >= size }
}

function abortOf({ signal }: ReadOptions) {
  return signal === undefined ? {} : { signal }
}
