import { MAX_LABEL_BYTES } from '@dittofs/interface'

/** As much of a name as a message may carry. */
export function fitLabel(name: string): string {
  const characters = [...name.toWellFormed()].slice(0, MAX_LABEL_BYTES)
  while (Buffer.byteLength(characters.join('')) > MAX_LABEL_BYTES) characters.pop()
  return characters.join('')
}
