/** Bytes that are shown of each side. */
const SHOWN_BYTES = 16

/**
 * Where two contents begin to differ, as people read it: the offset, and both sides from there in hex.
 *
 * @returns `undefined` where they are the same
 */
export function firstDifference(expected: Uint8Array, found: Uint8Array): string | undefined {
  const common = Math.min(expected.length, found.length)
  let at = 0
  while (at < common && expected[at] === found[at]) at++
  if (at === common && expected.length === found.length) return undefined
  return `at byte ${at} (0x${at.toString(16)}) there is ${hexFrom(found, at)} in place of ${hexFrom(expected, at)}`
}

function hexFrom(bytes: Uint8Array, at: number): string {
  const hex = Buffer.from(bytes.subarray(at, at + SHOWN_BYTES)).toString('hex')
  return hex === '' ? 'the end' : hex
}
