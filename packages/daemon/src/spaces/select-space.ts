import { DittoError } from '@dittofs/interface'
import type { OpenSpace } from './open-space.ts'

/** The space that a new device has, and that is meant where none is named. */
export const HOME_SPACE = 'home'

/**
 * The space a person means by a name or an ID; without either the only one, or `home`.
 *
 * @throws DittoError DITTO_NOT_FOUND, DITTO_USAGE (two spaces share the name)
 */
export function selectSpace(spaces: readonly OpenSpace[], wanted?: string): OpenSpace {
  const [only] = spaces
  if (wanted === undefined && spaces.length === 1 && only !== undefined) return only
  const name = wanted ?? HOME_SPACE
  const found = spaces.filter((space) => space.name === name || space.id === name)
  const [space] = found
  if (space === undefined) {
    const names = spaces.map((each) => JSON.stringify(each.name)).join(', ')
    throw new DittoError('DITTO_NOT_FOUND', `There is no space ${JSON.stringify(name)} here; there is ${names}.`)
  }
  if (found.length === 1) return space
  throw new DittoError(
    'DITTO_USAGE',
    `${found.length} spaces are called ${JSON.stringify(name)}; name one by its ID: ${found.map((each) => each.id).join(', ')}.`,
  )
}
