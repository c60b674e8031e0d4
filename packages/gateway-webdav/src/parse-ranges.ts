import { MAX_RANGES } from './limits.ts'

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * What a `Range` header asks of a representation of `size` bytes (RFC 9110 14.2), in the order asked.
 *
 * @returns `undefined`: the header is to be ignored (another unit, not of the grammar, more than MAX_RANGES); an empty
 *   list: nothing of it can be had (416)
 */
export function parseRanges(header: string, size: number): ByteRange[] | undefined {
  const list = /^bytes[ \t]*=[ \t]*(.+)$/i.exec(header.trim())?.[1]
  if (list === undefined) return undefined
  const parts = list.split(',')
  if (parts.length > MAX_RANGES) return undefined
  const ranges: ByteRange[] = []
  for (const part of parts) {
    const found = /^[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/.exec(part)
    if (found === null) return undefined
    const [first, last] = [found[1] as string, found[2] as string]
    if (first === '' && last === '') return undefined
    if (first === '') {
      const length = Math.min(Number(last), size)
      if (length > 0) ranges.push({ start: size - length, end: size - 1 })
      continue
    }
    const start = Number(first)
    const end = last === '' ? size - 1 : Number(last)
    if (last !== '' && end < start) return undefined
    if (start < size) ranges.push({ start, end: Math.min(end, size - 1) })
  }
  // Ranges that ask for more than the whole together are an attack or a mistake: the whole is cheaper.
  if (ranges.length > 1 && ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0) > size) return undefined
  return ranges
}
