/** RFC 4648 section 6: upper case, no padding. */
export const BASE32_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** @returns eight characters for five bytes, the last bits filled with zeros */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32_ALPHABET[(value >>> bits) & 31]
    }
    value &= 31
  }
  if (bits > 0) text += BASE32_ALPHABET[(value << (5 - bits)) & 31]
  return text
}
