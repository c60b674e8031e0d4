import { createHash } from 'node:crypto'
import { type ChunkId, type ContentRef, DittoError, type FileContent, isDittoError } from '@dittofs/interface'
import type { FileOnDisk, FolderContent, PlacedFile, TakenFile } from '../../src/engine/ports.ts'
import type { MemoryDisk } from './memory-disk.ts'

/** Where a file of a live folder is now. */
interface FilePlace {
  readonly folder: string
  readonly names: readonly string[]
}

export interface MemoryContentInit {
  readonly disk: (folder: string) => MemoryDisk
  /** Of a key that `placed` told. */
  readonly locate: (key: string) => FilePlace | undefined
}

/**
 * Bytes of one device in memory. As in the real store they lie in the files of the live folders themselves: what is written
 * over there is gone, unless it was preserved before, was fetched, or was taken while somebody worked on it.
 */
export class MemoryContent implements FolderContent {
  /** By hash; what lies in no file, or is kept for the history. */
  readonly stored = new Map<string, string>()
  /** Contents that were to be overwritten or removed. */
  readonly preserved = new Set<string>()
  /** Contents that were read from disk once. */
  readonly seen = new Set<string>()
  readonly places = new Map<string, PlacedFile>()
  readonly #init: MemoryContentInit
  readonly #listeners = new Set<() => void>()
  /** What lies under each key that was ever taken or placed and not released, as the table of places has it on disk. */
  readonly #table = new Map<string, string>()
  /** Files that were taken and are not placed yet: their content by key, and where they are. */
  readonly #taken = new Map<string, { readonly id: string; readonly place: FilePlace }>()

  constructor(init: MemoryContentInit) {
    this.#init = init
  }

  async take(files: readonly FileOnDisk[]): Promise<readonly TakenFile[]> {
    const taken: TakenFile[] = []
    for (const file of files) {
      const content = await this.#take(file).catch((error: unknown) => error)
      if (isDittoError(content)) taken.push({ error: content })
      else if (content instanceof Error) throw content
      else taken.push({ content: content as ContentRef })
    }
    return taken
  }

  async areHeld(files: readonly FileContent[]): Promise<readonly boolean[]> {
    const placed = new Set([...this.places.values()].map(({ file }) => idOf(file.content)))
    for (const { id } of this.#taken.values()) placed.add(id)
    return files.map(({ content }) => {
      const id = idOf(content)
      return id === '' || this.stored.has(id) || placed.has(id)
    })
  }

  async *read({ content }: FileContent): AsyncGenerator<Uint8Array> {
    const text = this.textOf(idOf(content))
    if (text === undefined) throw new DittoError('DITTO_CHUNK_MISSING', 'The content is not here.')
    yield Buffer.from(text)
  }

  async preserve({ file, folder, names }: PlacedFile): Promise<void> {
    const id = idOf(file.content)
    this.preserved.add(id)
    const text = this.textOf(id) ?? this.#textAt({ folder, names }, id)
    if (text !== undefined) this.stored.set(id, text)
  }

  placed(file: PlacedFile): void {
    this.places.set(file.key, file)
    this.#taken.delete(file.key)
    const id = idOf(file.file.content)
    const known = this.#table.get(file.key) ?? id
    if (known !== id)
      throw new Error(`the key ${file.key} is of ${describeContent(known)}, not of ${describeContent(id)}`)
    this.#table.set(file.key, id)
  }

  released(key: string): void {
    this.places.delete(key)
    this.#taken.delete(key)
    this.#table.delete(key)
  }

  onHeld(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes content from another device. */
  fetch(ref: ContentRef, from: MemoryContent): boolean {
    const id = idOf(ref)
    const text = from.textOf(id)
    if (text === undefined || this.textOf(id) !== undefined) return false
    this.stored.set(id, text)
    for (const listener of this.#listeners) listener()
    return true
  }

  /** Every key under which something lies, as it would be found after a stop. */
  keys(): readonly string[] {
    return [...this.#table.keys()].sort()
  }

  /** Of a content that can be read here now. */
  textOf(id: string): string | undefined {
    if (id === '') return ''
    const stored = this.stored.get(id)
    if (stored !== undefined) return stored
    for (const { key, file } of this.places.values()) {
      if (idOf(file.content) !== id) continue
      const text = this.#textAt(this.#init.locate(key), id)
      if (text !== undefined) return text
    }
    for (const { id: taken, place } of this.#taken.values()) {
      const text = taken === id ? this.#textAt(place, id) : undefined
      if (text !== undefined) return text
    }
    return undefined
  }

  /** Forgets files that do not hold what they should, to be called when the folders are in step. */
  lookIntoPlaces(): void {
    this.#taken.clear()
    for (const { key, file } of [...this.places.values()]) {
      const id = idOf(file.content)
      if (id !== '' && this.#textAt(this.#init.locate(key), id) === undefined) this.places.delete(key)
    }
  }

  /** Forgets the keys of an earlier life that no file has, before they are given to others. */
  forgetLeft(): void {
    for (const key of [...this.#table.keys()]) if (this.#init.locate(key) === undefined) this.#table.delete(key)
  }

  /** What another life held, but for what is told anew. */
  inherit(before: MemoryContent): void {
    for (const [key, id] of before.#table) this.#table.set(key, id)
    for (const [id, text] of before.stored) this.stored.set(id, text)
    for (const id of before.preserved) this.preserved.add(id)
    for (const id of before.seen) this.seen.add(id)
  }

  async #take(file: FileOnDisk): Promise<ContentRef> {
    let text = ''
    for await (const bytes of file.read()) text += Buffer.from(bytes).toString()
    const ref = refOf(text)
    const id = idOf(ref)
    this.seen.add(id)
    if (file.isRecent) this.stored.set(id, text)
    if (this.#table.has(file.key)) throw new Error(`the key ${file.key} is given twice`)
    this.#table.set(file.key, id)
    this.#taken.set(file.key, { id, place: file })
    return ref
  }

  #textAt(place: FilePlace | undefined, id: string): string | undefined {
    const inode = place === undefined ? undefined : this.#init.disk(place.folder).at(place.names)
    return inode?.kind === 'file' && idOf(refOf(inode.text)) === id ? inode.text : undefined
  }
}

/** Every content that was ever named, for reports. */
const TEXTS = new Map<string, string>()

/** Of a content, held or not. */
export function describeContent(id: string): string {
  return TEXTS.get(id) ?? id
}

export function refOf(text: string): ContentRef {
  if (text === '') return { kind: 'inline', chunks: [] }
  const id = createHash('sha256').update(text).digest('hex') as ChunkId
  TEXTS.set(id, text)
  return { kind: 'inline', chunks: [{ id, length: Buffer.byteLength(text) }] }
}

export function idOf(ref: ContentRef): string {
  return ref.kind === 'inline' ? ref.chunks.map(({ id }) => id).join() : ref.root
}
