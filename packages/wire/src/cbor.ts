import { DittoError } from '@dittofs/interface'
import { decode, encode } from 'cborg'

/** Deepest nesting that is decoded. */
export const MAX_CBOR_DEPTH = 16

/** Deterministic CBOR (RFC 8949 section 4.2): map keys sorted, shortest lengths. Undefined fields must be left out. */
export function encodeCbor(value: unknown): Uint8Array {
  return encode(value)
}

/**
 * Decodes one CBOR value strictly: definite lengths, shortest forms, no duplicate keys, no undefined, NaN or
 * infinities, no tags, nothing after it, depth at most MAX_CBOR_DEPTH. Maps come as `Map`; integers past 2^53-1 are
 * refused.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  refuseDeepNesting(bytes)
  try {
    return decode(bytes, {
      strict: true,
      useMaps: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    })
  } catch (cause) {
    throw new DittoError('DITTO_PROTOCOL', 'The peer sent a message that is not well-formed.', { cause })
  }
}

/** cborg recurses once a level, so the depth is checked on the raw bytes first: an item's head is enough to know it. */
function refuseDeepNesting(bytes: Uint8Array): void {
  /** Items still to come at each level. */
  const open: number[] = []
  let at = 0
  while (at < bytes.length) {
    const initial = bytes[at] as number
    const major = initial >> 5
    const info = initial & 31
    const extra = info < 24 ? 0 : info < 28 ? 1 << (info - 24) : -1
    if (extra < 0) return // indefinite or reserved: the decoder refuses it
    let argument = info
    if (extra > 0) {
      if (at + 1 + extra > bytes.length) return
      argument = 0
      for (let i = 0; i < extra; i++) argument = argument * 256 + (bytes[at + 1 + i] as number)
    }
    at += 1 + extra
    if (major === 2 || major === 3) at += argument
    if (open.length > 0) open[open.length - 1] = (open.at(-1) as number) - 1
    const items = major === 4 ? argument : major === 5 ? argument * 2 : major === 6 ? 1 : 0
    if (items > 0) open.push(items)
    else while (open.at(-1) === 0) open.pop()
    if (open.length > MAX_CBOR_DEPTH) {
      throw new DittoError('DITTO_PROTOCOL', 'The peer sent a message that is nested too deeply.')
    }
  }
}
