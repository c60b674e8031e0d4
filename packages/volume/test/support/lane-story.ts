import { createHash } from 'node:crypto'

/** One call of a lane. All is drawn from the seed and what went before, so that whoever has the seed knows it. */
export type Step =
  | { readonly kind: 'create'; readonly name: string }
  | { readonly kind: 'makeDirectory'; readonly name: string }
  | { readonly kind: 'removeFile'; readonly name: string }
  | { readonly kind: 'removeDirectory'; readonly name: string }
  | { readonly kind: 'commit'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | {
      readonly kind: 'write'
      readonly name: string
      readonly offset: number
      readonly bytes: Buffer
      readonly isStable: boolean
    }

/** What a file may hold after a crash: what was last acknowledged as stable, and what was written since. */
type Contents = readonly Buffer[]

const NAMES = 8
const MAX_WRITE_BYTES = 150_000
const MAX_OFFSET = 200_000

/** The calls of one lane, one after the other in a directory of its own, and what they leave. */
export class LaneStory {
  /** By name; `undefined` is a directory. */
  #entries = new Map<string, Contents | undefined>()
  readonly #seed: string
  #drawn = 0
  #names = 0

  constructor(seed: string) {
    this.#seed = seed
  }

  get entries(): ReadonlyMap<string, Contents | undefined> {
    return this.#entries
  }

  /** The next call; what it leaves is in `entries` from now on. The maps given out before stay as they are. */
  next(): Step {
    this.#entries = new Map(this.#entries)
    const step = this.#step()
    this.#apply(step)
    return step
  }

  #step(): Step {
    const files = [...this.#entries].flatMap(([name, contents]) => (contents === undefined ? [] : [name]))
    const directories = [...this.#entries.keys()].filter((name) => !files.includes(name))
    const name = files[this.#draw(files.length)]
    const fresh = `n${this.#names}`
    const choice = this.#draw(16)
    if (name === undefined || (choice < 4 && this.#entries.size < NAMES)) {
      this.#names += 1
      return { kind: 'create', name: fresh }
    }
    if (choice < 5) {
      const directory = directories[0]
      if (directory !== undefined) return { kind: 'removeDirectory', name: directory }
      this.#names += 1
      return { kind: 'makeDirectory', name: fresh }
    }
    if (choice < 6) return { kind: 'removeFile', name }
    if (choice < 8) {
      const other = files[this.#draw(files.length)] as string
      if (other !== name && choice === 6) return { kind: 'rename', name, to: other }
      this.#names += 1
      return { kind: 'rename', name, to: fresh }
    }
    if (choice < 9) return { kind: 'commit', name }
    const size = 1 + this.#draw(choice === 9 ? MAX_WRITE_BYTES : 5000)
    const bytes = createHash('shake256', { outputLength: size }).update(`${this.#seed} ${this.#drawn}`).digest()
    return { kind: 'write', name, offset: this.#draw(MAX_OFFSET), bytes, isStable: choice < 13 }
  }

  #apply(step: Step): void {
    const { name } = step
    const contents = this.#entries.get(name) ?? []
    const last = contents.at(-1) ?? Buffer.alloc(0)
    if (step.kind === 'create') this.#entries.set(name, [last])
    else if (step.kind === 'makeDirectory') this.#entries.set(name, undefined)
    else if (step.kind === 'removeFile' || step.kind === 'removeDirectory') this.#entries.delete(name)
    else if (step.kind === 'commit') this.#entries.set(name, [last])
    else if (step.kind === 'rename') {
      this.#entries.delete(name)
      this.#entries.set(step.to, contents)
    } else {
      const written = Buffer.alloc(Math.max(last.length, step.offset + step.bytes.length))
      last.copy(written)
      step.bytes.copy(written, step.offset)
      this.#entries.set(name, step.isStable ? [written] : [...contents, written])
    }
  }

  /** A whole number of 0 to less than `below`. */
  #draw(below: number): number {
    this.#drawn += 1
    const hash = createHash('sha256').update(`${this.#seed} ${this.#drawn}`).digest()
    return below === 0 ? 0 : hash.readUInt32BE() % below
  }
}
