/** What of a space is counted as missing without being asked for: nobody has it, or nobody may be asked for it now. */
export class MissingTally {
  #chunks = 0
  #bytes = 0
  #largeBytes = 0
  #heldChunks = 0
  /** Missing when the walk under way began, less what was stored since: it counts anew, but the tree has not changed. */
  #before = { chunks: 0, bytes: 0 }

  get chunks(): number {
    return this.#chunks
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Those bytes of them that belong to large files. */
  get largeBytes(): number {
    return this.#largeBytes
  }

  /** Those chunks of them that wait for a person. */
  get heldChunks(): number {
    return this.#heldChunks
  }

  /** Whether anything of it may come without a person deciding so. */
  get mayCome(): boolean {
    return this.#chunks > this.#heldChunks
  }

  /** No less is told than this. */
  get before(): { readonly chunks: number; readonly bytes: number } {
    return this.#before
  }

  add(chunks: number, bytes: number, isLarge: boolean): void {
    this.#chunks += chunks
    this.#bytes += bytes
    if (isLarge) this.#largeBytes += bytes
  }

  /** What waits for a person. */
  addHeld(chunks: number, bytes: number): void {
    this.add(chunks, bytes, false)
    this.#heldChunks += chunks
  }

  /** A walk of the whole tree begins: everything is counted anew. */
  beginWalk(before: { readonly chunks: number; readonly bytes: number }): void {
    this.#before = before
    this.#chunks = 0
    this.#bytes = 0
    this.#largeBytes = 0
    this.#heldChunks = 0
  }

  stored(chunks: number, bytes: number): void {
    const { before } = this
    this.#before = { chunks: before.chunks - chunks, bytes: before.bytes - bytes }
  }

  endWalk(): void {
    this.#before = { chunks: 0, bytes: 0 }
  }
}
