import { rename, unlink } from 'node:fs/promises'
import { isDittoError } from '@dittofs/interface'
import { rescuedName } from './changed-meanwhile.ts'
import { readStamp } from './read-stamp.ts'
import { tryLink } from './try-link.ts'

/** Gives what was kept a name that people see, and that nothing has yet. @returns the name */
export async function rescue(kept: string, parent: string, name: string, now: Date): Promise<string> {
  for (let number = 0; ; number++) {
    const rescued = rescuedName(name, now, number)
    const place = `${parent}/${rescued}`
    try {
      if (await tryLink(kept, place, [rescued])) await unlink(kept)
      else if ((await readStamp(place)) === undefined) await rename(kept, place)
      else continue
      return rescued
    } catch (error) {
      if (!isDittoError(error, 'DITTO_EXISTS')) throw error
    }
  }
}
