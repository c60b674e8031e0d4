import { parseByteSize } from './byte-size.ts'

/** Below it a single chunk takes so long that the other side takes the link for dead. */
const MIN_BYTES_PER_SECOND = 64 * 1024

/** `500 KiB`, `2 MiB/s`, `10 MB` as bytes per second; `undefined` for anything else, and for less than 64 KiB. */
export function parseRate(text: string): number | undefined {
  const bytesPerSecond = parseByteSize(text.trim().replace(/\/s$/i, ''))
  return bytesPerSecond !== undefined && bytesPerSecond >= MIN_BYTES_PER_SECOND ? bytesPerSecond : undefined
}
