import { createHash } from 'node:crypto'
import { type DeviceId, type DeviceKey, DittoError, deviceKey } from '@dittofs/interface'
import { BASE32_ALPHABET, encodeBase32 } from '@dittofs/wire'

const DOMAIN = 'dittofs device v1'
const HASH_CHARACTERS = 52
const CHECK_CHARACTERS = 4
const GROUP_CHARACTERS = 7
/**
 * The largest prime below 32^4. A prime modulus makes every single wrong character and every swap of neighbours
 * change the remainder; of other mistakes one in a million passes.
 */
const CHECK_MODULUS = 1_048_573

/**
 * The ID that people see: base32 (RFC 4648) of SHA-256("dittofs device v1" || key), 52 characters, then four check
 * characters, in eight groups of seven.
 *
 * The check characters are the 52 read as a base-32 number, modulo 1,048,573, written as four base-32 digits.
 */
export function deviceId(key: DeviceKey): DeviceId {
  const hash = createHash('sha256').update(DOMAIN).update(deviceKey.toBytes(key)).digest()
  const text = encodeBase32(hash)
  return grouped(text + checkCharacters(text))
}

/**
 * Reads a device ID as a person types it: lower case, without dashes or with spaces, `0` for `O`, `1` for `I`, `8`
 * for `B`.
 *
 * @throws DittoError DITTO_USAGE when characters are missing, foreign or mistyped
 */
export function parseDeviceId(text: string): DeviceId {
  const characters = text
    .toUpperCase()
    .replace(/[\s-]/g, '')
    .replaceAll('0', 'O')
    .replaceAll('1', 'I')
    .replaceAll('8', 'B')
  if (!/^[A-Z2-7]*$/.test(characters)) {
    throw new DittoError('DITTO_USAGE', 'A device ID holds only letters, the digits 2 to 7 and dashes.')
  }
  const expected = HASH_CHARACTERS + CHECK_CHARACTERS
  if (characters.length !== expected) {
    throw new DittoError(
      'DITTO_USAGE',
      `A device ID has ${expected} characters besides its dashes; this one has ${characters.length}.`,
    )
  }
  const hash = characters.slice(0, HASH_CHARACTERS)
  // 52 characters hold 260 bits and a hash 256: the last four are zero.
  const isCanonical = BASE32_ALPHABET.indexOf(hash.at(-1) as string) % 16 === 0
  if (!isCanonical || checkCharacters(hash) !== characters.slice(HASH_CHARACTERS)) {
    throw new DittoError('DITTO_USAGE', 'The device ID has a typing mistake: compare it with the one the device shows.')
  }
  return grouped(characters)
}

function checkCharacters(text: string): string {
  let remainder = 0
  for (const character of text) {
    remainder = (remainder * 32 + BASE32_ALPHABET.indexOf(character)) % CHECK_MODULUS
  }
  let check = ''
  for (let shift = 5 * (CHECK_CHARACTERS - 1); shift >= 0; shift -= 5) {
    check += BASE32_ALPHABET[(remainder >>> shift) & 31]
  }
  return check
}

function grouped(characters: string): DeviceId {
  const groups: string[] = []
  for (let at = 0; at < characters.length; at += GROUP_CHARACTERS) {
    groups.push(characters.slice(at, at + GROUP_CHARACTERS))
  }
  return groups.join('-') as DeviceId
}
