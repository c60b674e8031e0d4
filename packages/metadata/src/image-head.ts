import { createHash } from 'node:crypto'
import { ByteReader, MalformedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

const DIGEST_BYTES = 32
const MAX_BLOCKS = 16
const MAX_BLOCK_BYTES = 2 ** 30

/** Says that an image is written whole, and what it is made of. */
export interface ImageHead {
  readonly number: number
  /** Bytes of each block. */
  readonly lengths: readonly number[]
  /** SHA-256 over all blocks. */
  readonly digest: Buffer
}

export function encodeImageHead({ number, lengths, digest }: ImageHead): Uint8Array {
  const writer = new ByteWriter(64)
  writer.varUint(number)
  writer.varUint(lengths.length)
  for (const length of lengths) writer.varUint(length)
  writer.raw(digest)
  return writer.finish()
}

/** @returns `undefined` for what {@link encodeImageHead} did not make */
export function decodeImageHead(bytes: Uint8Array | undefined): ImageHead | undefined {
  if (bytes === undefined) return undefined
  try {
    const reader = new ByteReader(bytes)
    const number = reader.varUint()
    const count = reader.varUint()
    if (count > MAX_BLOCKS) return undefined
    const lengths = Array.from({ length: count }, () => reader.varUint())
    const digest = Buffer.from(reader.take(DIGEST_BYTES))
    if (!reader.isAtEnd || lengths.some((length) => length > MAX_BLOCK_BYTES)) return undefined
    return { number, lengths, digest }
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** Puts records that follow each other into blocks of given lengths. */
export class BlockFiller {
  readonly #blocks: readonly Uint8Array[]
  readonly #hash = createHash('sha256')
  #block = 0
  #at = 0
  #isTooMuch = false

  constructor(blocks: readonly Uint8Array[]) {
    this.#blocks = blocks
    this.#pass()
  }

  get isWhole(): boolean {
    return !this.#isTooMuch && this.#block === this.#blocks.length
  }

  /** A record lies in one block. */
  add(record: Uint8Array): void {
    const block = this.#blocks[this.#block]
    if (block === undefined || this.#at + record.length > block.length) {
      this.#isTooMuch = true
      return
    }
    block.set(record, this.#at)
    this.#hash.update(record)
    this.#at += record.length
    this.#pass()
  }

  digest(): Buffer {
    return this.#hash.digest()
  }

  #pass(): void {
    while (this.#at === this.#blocks[this.#block]?.length) {
      this.#block += 1
      this.#at = 0
    }
  }
}
