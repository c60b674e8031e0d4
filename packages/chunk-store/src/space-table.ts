import type { SpaceId } from '@dittofs/interface'
import type { PackRecord } from './pack-format.ts'

/** The short numbers, from 1 on, that spaces have in one store. A number is never given to another space. */
export class SpaceTable {
  readonly #numbers = new Map<SpaceId, number>()
  readonly #ids = new Map<number, SpaceId>()

  number(id: SpaceId): number | undefined {
    return this.#numbers.get(id)
  }

  id(number: number): SpaceId | undefined {
    return this.#ids.get(number)
  }

  /** @returns whether the number was free, or the space's already */
  set(number: number, id: SpaceId): boolean {
    if (this.#ids.has(number)) return this.#ids.get(number) === id
    this.#numbers.set(id, number)
    this.#ids.set(number, id)
    return true
  }

  /** The space's number, which is `preferred` or the next free one where it had none. */
  add(id: SpaceId, preferred?: number): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const isFree = preferred !== undefined && !this.#ids.has(preferred)
    const number = isFree ? preferred : Math.max(0, ...this.#ids.keys()) + 1
    this.set(number, id)
    return number
  }

  entries(): IterableIterator<[number, SpaceId]> {
    return this.#ids.entries()
  }

  /** The whole table as records. */
  records(): PackRecord[] {
    return [...this.#ids].map(([space, id]) => ({ kind: 'space', id, space }))
  }
}
