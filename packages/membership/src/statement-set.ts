import { MAX_STATEMENTS } from '@dittofs/interface'

const WORDS = MAX_STATEMENTS / 32

/** Some of a space's statements: a bit for each, by its index in the graph. All but `visit` take 16 steps at most. */
export class StatementSet {
  readonly #words = new Uint32Array(WORDS)

  has(index: number): boolean {
    return (((this.#words[index >> 5] as number) >>> (index & 31)) & 1) === 1
  }

  add(index: number): void {
    this.#words[index >> 5] = (this.#words[index >> 5] as number) | (1 << (index & 31))
  }

  delete(index: number): void {
    this.#words[index >> 5] = (this.#words[index >> 5] as number) & ~(1 << (index & 31))
  }

  addAll(other: StatementSet): void {
    for (let i = 0; i < WORDS; i++) this.#words[i] = (this.#words[i] as number) | (other.#words[i] as number)
  }

  /** Adds what is in `other` and not in `but`. @returns whether anything was new */
  addAllBut(other: StatementSet, but: StatementSet): boolean {
    let added = 0
    for (let i = 0; i < WORDS; i++) {
      const before = this.#words[i] as number
      const after = before | ((other.#words[i] as number) & ~(but.#words[i] as number))
      this.#words[i] = after
      added |= before ^ after
    }
    return added !== 0
  }

  /** What both have, as a set of its own. */
  and(other: StatementSet): StatementSet {
    const both = new StatementSet()
    for (let i = 0; i < WORDS; i++) both.#words[i] = (this.#words[i] as number) & (other.#words[i] as number)
    return both
  }

  isWithin(other: StatementSet): boolean {
    for (let i = 0; i < WORDS; i++) if (((this.#words[i] as number) & ~(other.#words[i] as number)) !== 0) return false
    return true
  }

  /** The smallest index that both have. */
  firstAlsoIn(other: StatementSet): number | undefined {
    for (let i = 0; i < WORDS; i++) {
      const common = (this.#words[i] as number) & (other.#words[i] as number)
      if (common !== 0) return 32 * i + 31 - Math.clz32(common & -common)
    }
    return undefined
  }

  /** In ascending order. */
  visit(visitor: (index: number) => void): void {
    for (let i = 0; i < WORDS; i++) {
      for (let left = this.#words[i] as number; left !== 0; left &= left - 1) {
        visitor(32 * i + 31 - Math.clz32(left & -left))
      }
    }
  }
}
