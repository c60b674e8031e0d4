/** UTF-8 bytes of a name in a statement: with 16 heads beside it, a statement still fits its limit. */
export const MAX_DEVICE_NAME_BYTES = 128

/** A name cut to MAX_DEVICE_NAME_BYTES of UTF-8, between characters; lone surrogates are replaced. */
export function fitLabel(name: string): string {
  let fitting = ''
  let bytes = 0
  for (const character of name.toWellFormed()) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_DEVICE_NAME_BYTES) break
    fitting += character
  }
  return fitting
}
