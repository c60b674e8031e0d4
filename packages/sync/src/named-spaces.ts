import { DittoError, type SpaceId, spaceId } from '@dittofs/interface'
import type { SpacesMessage } from '@dittofs/wire'

/** The spaces that a peer named, and its numbers for them. */
export class NamedSpaces {
  #numbers = new Map<SpaceId, number>()
  #ids = new Map<number, SpaceId>()

  numberOf(space: SpaceId): number | undefined {
    return this.#numbers.get(space)
  }

  idOf(number: number): SpaceId | undefined {
    return this.#ids.get(number)
  }

  /** Takes what a peer names now. @throws DittoError DITTO_PROTOCOL when a number stands for two spaces */
  replace(message: SpacesMessage): void {
    const numbers = new Map<SpaceId, number>()
    const ids = new Map<number, SpaceId>()
    for (const { number, id: bytes } of message.spaces) {
      const id = spaceId.fromBytes(bytes)
      const known = this.#ids.get(number)
      if (ids.has(number) || numbers.has(id) || (known !== undefined && known !== id)) {
        throw new DittoError('DITTO_PROTOCOL', 'The peer gave one number to two spaces.')
      }
      numbers.set(id, number)
      ids.set(number, id)
    }
    this.#numbers = numbers
    this.#ids = ids
  }
}
