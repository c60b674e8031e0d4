import type { PackFile } from './pack-file-system.ts'
import {
  decodeRecordHeader,
  isPackHeader,
  PACK_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  type RecordHeader,
} from './pack-format.ts'

/** What every record's header begins with. */
const RECORD_MAGIC_TEXT = 'REC'
const WINDOW_BYTES = 1024 * 1024

export interface ScannedRecord {
  readonly header: RecordHeader
  /** Where the header begins within the pack. */
  readonly offset: number
  /** What follows the header; valid until the next record is asked for. */
  readonly payload: Uint8Array
}

export interface ScanOptions {
  /** Where to begin; the pack's header is checked when it is 0. */
  from: number
  /**
   * `stop`: the first thing that is no whole record ends the scan. `search`: it is skipped, byte by byte, until the
   * next header that checks; a pack damaged in one place keeps the rest.
   */
  onFault: 'stop' | 'search'
}

/**
 * Reads a pack's records in order, through a window of about a mebibyte.
 *
 * @returns the end of the last whole record
 */
export async function* scanPack(
  file: PackFile,
  pack: number,
  options: ScanOptions,
): AsyncGenerator<ScannedRecord, number> {
  const window = new Window(file, await file.size())
  let at = options.from
  if (at === 0) {
    const isWhole = isPackHeader(await window.at(0, PACK_HEADER_BYTES), pack)
    if (!isWhole && options.onFault === 'stop') return 0
    at = PACK_HEADER_BYTES
  }
  let end = at
  while (at + RECORD_HEADER_BYTES <= window.size) {
    const bytes = await window.at(at, RECORD_HEADER_BYTES)
    const header = decodeRecordHeader(bytes, 0, pack, at)
    if (header === undefined || at + RECORD_HEADER_BYTES + header.length > window.size) {
      if (options.onFault === 'stop') break
      at = await window.findHeader(at + 1)
      continue
    }
    const record = await window.at(at, RECORD_HEADER_BYTES + header.length)
    end = at + record.length
    yield { header, offset: at, payload: record.subarray(RECORD_HEADER_BYTES) }
    at = end
  }
  return end
}

/** The part of a file that was read last. */
class Window {
  readonly size: number
  readonly #file: PackFile
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES)
  #start = 0
  #length = 0

  constructor(file: PackFile, size: number) {
    this.#file = file
    this.size = size
  }

  /** Where the next thing that looks like a record's header begins, from `offset` on; the file's end if nowhere. */
  async findHeader(offset: number): Promise<number> {
    for (let at = offset; at + RECORD_HEADER_BYTES <= this.size; ) {
      const bytes = await this.at(at, Math.min(WINDOW_BYTES, this.size - at))
      const found = bytes.indexOf(RECORD_MAGIC_TEXT)
      if (found >= 0) return at + found
      at += Math.max(1, bytes.length - RECORD_MAGIC_TEXT.length + 1)
    }
    return this.size
  }

  /** The bytes from `offset` on, fewer at the file's end. */
  async at(offset: number, length: number): Promise<Buffer> {
    const isInside = offset >= this.#start && offset + length <= this.#start + this.#length
    if (!isInside) {
      this.#length = await this.#file.read(this.#buffer, offset)
      this.#start = offset
    }
    const from = offset - this.#start
    return this.#buffer.subarray(from, Math.min(from + length, this.#length))
  }
}
