const UNITS: Readonly<Record<string, number>> = { kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, kb: 1e3, mb: 1e6, gb: 1e9 }
const SIZE = /^(\d{1,6}(?:\.\d{1,3})?) ?(kib|mib|gib|kb|mb|gb)$/i

/** `500 KiB`, `2 MiB`, `10 GB` as whole bytes; `undefined` for anything else. */
export function parseByteSize(text: string): number | undefined {
  const found = SIZE.exec(text.trim())
  if (found === null) return undefined
  return Math.round(Number(found[1]) * (UNITS[(found[2] as string).toLowerCase()] as number))
}
