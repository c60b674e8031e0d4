import { MAX_LABEL_BYTES } from '@dittofs/interface'

/** A name cut to MAX_LABEL_BYTES of UTF-8, between characters; lone surrogates are replaced. */
export function fitLabel(name: string): string {
  let fitting = ''
  let bytes = 0
  for (const character of name.toWellFormed()) {
    bytes += Buffer.byteLength(character)
    if (bytes > MAX_LABEL_BYTES) break
    fitting += character
  }
  return fitting
}
