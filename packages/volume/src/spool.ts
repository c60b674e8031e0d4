import type { SpoolFile } from './spool-directory.ts'

const PAGE_BYTES = 16 * 1024
/** Pages of one file that stay in memory: what is small never reaches the disk. */
const MAX_PAGES = 32

/** Pages in memory of all files together: 32 MiB. */
export class PageAllowance {
  #left = 2048

  take(): boolean {
    if (this.#left === 0) return false
    this.#left--
    return true
  }

  give(pages: number): void {
    this.#left += pages
  }
}

/** The bytes written to one file and not committed: in memory while they are few, then in a file with holes. */
export class Spool {
  readonly #create: () => Promise<SpoolFile>
  readonly #allowance: PageAllowance
  readonly #pages = new Map<number, Uint8Array>()
  #file: SpoolFile | undefined

  constructor(create: () => Promise<SpoolFile>, allowance: PageAllowance) {
    this.#create = create
    this.#allowance = allowance
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.#file === undefined && !this.#reserve(offset, bytes.length)) await this.#moveToFile()
    if (this.#file !== undefined) return this.#file.write(offset, bytes)
    for (const { page, start, at, length } of pagesOf(offset, bytes.length)) {
      this.#pages.get(page)?.set(bytes.subarray(at, at + length), start)
    }
  }

  /** Fills `into` with bytes that were written. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    if (this.#file !== undefined) return this.#file.read(offset, into)
    for (const { page, start, at, length } of pagesOf(offset, into.length)) {
      const bytes = this.#pages.get(page)
      if (bytes !== undefined) into.set(bytes.subarray(start, start + length), at)
    }
  }

  async remove(): Promise<void> {
    this.#allowance.give(this.#pages.size)
    this.#pages.clear()
    const file = this.#file
    this.#file = undefined
    await file?.remove()
  }

  #reserve(offset: number, length: number): boolean {
    if (length > MAX_PAGES * PAGE_BYTES) return false
    for (const { page } of pagesOf(offset, length)) {
      if (this.#pages.has(page)) continue
      if (this.#pages.size === MAX_PAGES || !this.#allowance.take()) return false
      this.#pages.set(page, new Uint8Array(PAGE_BYTES))
    }
    return true
  }

  async #moveToFile(): Promise<void> {
    const file = await this.#create()
    try {
      for (const [page, bytes] of this.#pages) await file.write(page * PAGE_BYTES, bytes)
    } catch (error) {
      await file.remove().catch(() => undefined)
      throw error
    }
    this.#file = file
    this.#allowance.give(this.#pages.size)
    this.#pages.clear()
  }
}

function* pagesOf(offset: number, length: number) {
  for (let at = 0; at < length; ) {
    const page = Math.floor((offset + at) / PAGE_BYTES)
    const start = offset + at - page * PAGE_BYTES
    const part = Math.min(PAGE_BYTES - start, length - at)
    yield { page, start, at, length: part }
    at += part
  }
}
