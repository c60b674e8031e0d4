import { type DeviceInfo, DittoError } from '@dittofs/interface'

/**
 * The device that a person means: by its ID, by the beginning of its ID that no other has, or by its exact name.
 * Groups and letter case of an ID do not matter.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (several fit)
 */
export function findDevice(devices: readonly DeviceInfo[], text: string): DeviceInfo {
  const plain = (id: string) => id.replaceAll('-', '').toUpperCase()
  const wanted = plain(text)
  const byName = devices.filter(({ name }) => name === text)
  const byId = wanted === '' ? [] : devices.filter(({ id }) => plain(id).startsWith(wanted))
  const found = [...new Set([...byName, ...byId])]
  if (found.length === 1) return found[0] as DeviceInfo
  if (found.length === 0) {
    throw new DittoError('DITTO_NOT_FOUND', `No device has the name or ID ${JSON.stringify(text)}.`)
  }
  throw new DittoError(
    'DITTO_USAGE',
    `${JSON.stringify(text)} could be ${found.map(({ name, id }) => `${name} (${id})`).join(' or ')}; give more of the ID.`,
  )
}
