const UNITS: Readonly<Record<string, number>> = { kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, kb: 1e3, mb: 1e6, gb: 1e9 }
const RATE = /^(\d{1,6}(?:\.\d{1,3})?) ?(kib|mib|gib|kb|mb|gb)(?:\/s)?$/i
/** Below it a single chunk takes so long that the other side takes the link for dead. */
const MIN_BYTES_PER_SECOND = 64 * 1024

/** `500 KiB`, `2 MiB/s`, `10 MB` as bytes per second; `undefined` for anything else, and for less than 64 KiB. */
export function parseRate(text: string): number | undefined {
  const found = RATE.exec(text.trim())
  if (found === null) return undefined
  const bytesPerSecond = Number(found[1]) * (UNITS[(found[2] as string).toLowerCase()] as number)
  return bytesPerSecond >= MIN_BYTES_PER_SECOND ? bytesPerSecond : undefined
}
