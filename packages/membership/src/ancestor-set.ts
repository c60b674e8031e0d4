import { MAX_STATEMENTS } from '@dittofs/interface'

/** Which of a space's statements come before one: a bit for each, by its index in the graph. */
export class AncestorSet {
  readonly #words = new Uint32Array(MAX_STATEMENTS / 32)

  has(index: number): boolean {
    return (((this.#words[index >> 5] as number) >>> (index & 31)) & 1) === 1
  }

  add(index: number): void {
    this.#words[index >> 5] = (this.#words[index >> 5] as number) | (1 << (index & 31))
  }

  addAll(other: AncestorSet): void {
    for (let i = 0; i < this.#words.length; i++) {
      this.#words[i] = (this.#words[i] as number) | (other.#words[i] as number)
    }
  }
}
