import { createHash } from 'node:crypto'
import { type ChunkId, type ContentRef, DittoError, type FileContent } from '@dittofs/interface'
import type { FileOnDisk, FolderContent, PlacedFile } from '../../src/engine/ports.ts'

/** Bytes of one device in memory, by hash. */
export class MemoryContent implements FolderContent {
  readonly held = new Map<string, string>()
  /** Contents that were to be overwritten or removed. */
  readonly preserved = new Set<string>()
  readonly places = new Map<string, PlacedFile>()
  readonly #listeners = new Set<() => void>()

  async take(file: FileOnDisk): Promise<ContentRef> {
    let text = ''
    for await (const bytes of file.read()) text += Buffer.from(bytes).toString()
    const ref = refOf(text)
    this.held.set(idOf(ref), text)
    return ref
  }

  async areHeld(files: readonly FileContent[]): Promise<readonly boolean[]> {
    return files.map(({ content }) => this.held.has(idOf(content)))
  }

  async *read({ content }: FileContent): AsyncGenerator<Uint8Array> {
    const text = this.held.get(idOf(content))
    if (text === undefined) throw new DittoError('DITTO_CHUNK_MISSING', 'The content is not here.')
    yield Buffer.from(text)
  }

  async preserve({ file }: PlacedFile): Promise<void> {
    this.preserved.add(idOf(file.content))
  }

  placed(file: PlacedFile): void {
    this.places.set(file.key, file)
  }

  released(key: string): void {
    this.places.delete(key)
  }

  onHeld(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes content from another device. */
  fetch(ref: ContentRef, from: MemoryContent): boolean {
    const id = idOf(ref)
    const text = from.held.get(id)
    if (text === undefined || this.held.has(id)) return false
    this.held.set(id, text)
    for (const listener of this.#listeners) listener()
    return true
  }
}

export function refOf(text: string): ContentRef {
  if (text === '') return { kind: 'inline', chunks: [] }
  const id = createHash('sha256').update(text).digest('hex') as ChunkId
  return { kind: 'inline', chunks: [{ id, length: Buffer.byteLength(text) }] }
}

export function idOf(ref: ContentRef): string {
  return ref.kind === 'inline' ? ref.chunks.map(({ id }) => id).join() : ref.root
}
