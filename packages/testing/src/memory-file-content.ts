import { type ContentSource, MAX_FILE_BYTES, MAX_TRANSFER_BYTES } from '@dittofs/interface'
import { checkRange, fault } from './memory-volume-checks.ts'

/** Bytes kept or left out together. */
const PAGE_BYTES = 16 * 1024

/**
 * The bytes of a file with holes, in this process's memory. Pages are never changed in place, so that a copy costs no
 * more than its list of pages.
 */
export class MemoryFileContent {
  #pages: Map<number, Uint8Array>
  #size: number

  constructor(from?: MemoryFileContent) {
    this.#pages = new Map(from === undefined ? [] : from.#pages)
    this.#size = from === undefined ? 0 : from.#size
  }

  get size(): number {
    return this.#size
  }

  /** Bytes that the pages take. */
  get storedBytes(): number {
    return this.#pages.size * PAGE_BYTES
  }

  /** @returns bytes owned by the caller; fewer than asked at the end */
  read(offset: number, length: number): Uint8Array {
    const end = Math.min(offset + length, this.#size)
    const bytes = new Uint8Array(Math.max(end - offset, 0))
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / PAGE_BYTES)
      const start = at - index * PAGE_BYTES
      const taken = Math.min(PAGE_BYTES - start, end - at)
      const page = this.#pages.get(index)
      if (page !== undefined) bytes.set(page.subarray(start, start + taken), at - offset)
      at += taken
    }
    return bytes
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((offset + at) / PAGE_BYTES)
      const start = offset + at - index * PAGE_BYTES
      const taken = Math.min(PAGE_BYTES - start, bytes.length - at)
      const page = this.#pages.get(index)?.slice() ?? new Uint8Array(PAGE_BYTES)
      page.set(bytes.subarray(at, at + taken), start)
      this.#pages.set(index, page)
      at += taken
    }
    if (bytes.length > 0) this.#size = Math.max(this.#size, offset + bytes.length)
  }

  resize(size: number): void {
    if (size < this.#size) {
      const last = Math.floor(size / PAGE_BYTES)
      for (const index of [...this.#pages.keys()]) if (index > last) this.#pages.delete(index)
      // What is cut off may be made longer again, and shows zeros then.
      const page = this.#pages.get(last)?.slice()
      if (page !== undefined) this.#pages.set(last, page.fill(0, size - last * PAGE_BYTES))
    }
    this.#size = size
  }
}

/** @param checkRoom - throws where there is no room for as many bytes more */
export async function contentFrom(
  source: ContentSource,
  checkRoom: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<MemoryFileContent> {
  const { size } = source
  checkRange(size, 0, MAX_FILE_BYTES, 'the size of a file')
  const content = new MemoryFileContent()
  for (let start = 0; start < size; start += MAX_TRANSFER_BYTES) {
    const end = Math.min(start + MAX_TRANSFER_BYTES, size)
    const bytes = await source.read({ start, end }, signal === undefined ? {} : { signal })
    if (bytes.length !== end - start) throw fault('DITTO_IO', 'The source gave other bytes than asked for.')
    checkRoom(content.storedBytes + bytes.length)
    content.write(start, bytes)
  }
  return content
}
