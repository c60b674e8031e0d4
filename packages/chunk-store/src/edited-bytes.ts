import { type AbortOptions, type ByteRange, type ContentEdit, DittoError } from '@dittofs/interface'

/** Bytes asked of the content at a time. */
const READ_BYTES = 1024 * 1024

/** A window on a content that is read from the front to the back, each byte once. */
export class EditedBytes {
  readonly #edit: ContentEdit
  readonly #options: AbortOptions
  #bytes: Uint8Array = new Uint8Array(0)
  #start = 0

  constructor(edit: ContentEdit, options: AbortOptions) {
    this.#edit = edit
    this.#options = options
  }

  /** The bytes of a range, valid until the next call. Those before its start are not to be asked for again. */
  async window({ start, end }: ByteRange): Promise<Uint8Array> {
    const kept = start >= this.#start + this.#bytes.length ? 0 : this.#start + this.#bytes.length - start
    if (kept >= end - start) return this.#bytes.subarray(start - this.#start, end - this.#start)
    const bytes = new Uint8Array(end - start)
    bytes.set(this.#bytes.subarray(this.#bytes.length - kept))
    for (let at = start + kept; at < end; ) {
      const part = await readPart(this.#edit, { start: at, end: Math.min(at + READ_BYTES, end) }, this.#options)
      bytes.set(part, at - start)
      at += part.length
    }
    this.#bytes = bytes
    this.#start = start
    return bytes
  }
}

/** A content's bytes in pieces. */
export async function* editedPieces(
  edit: ContentEdit,
  { start, end }: ByteRange,
  options: AbortOptions,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += READ_BYTES) {
    yield await readPart(edit, { start: at, end: Math.min(at + READ_BYTES, end) }, options)
  }
}

async function readPart(edit: ContentEdit, range: ByteRange, options: AbortOptions): Promise<Uint8Array> {
  const bytes = await edit.read(range, options)
  if (bytes.length === range.end - range.start) return bytes
  throw new DittoError('DITTO_INTERNAL', 'A content that is being stored gave fewer bytes than it has.')
}
