/** What a person did to a content: all that is needed to say whether it may be gone, or be there. */
interface Record {
  readonly text: string
  /** Whether a person overwrote or deleted it where it stood. */
  isReplaced: boolean
  /** Shared by all contents of what a person takes for one file. */
  readonly file: { isTouched: boolean }
  /** What happened to it, for the report. */
  readonly story: string[]
}

/** Every content that was ever written, and what people did to it on some disk. Kept apart from all the engine knows. */
export class ContentLedger {
  readonly #records = new Map<string, Record>()
  /** Who deleted directories, by their names. */
  readonly #removed = new Map<string, Set<string>>()

  removedDirectory(name: string, device: string): void {
    const devices = this.#removed.get(name) ?? new Set()
    this.#removed.set(name, devices.add(device))
  }

  /** @param over - the content of the same file that it replaces */
  written(text: string, story: string, over?: string): void {
    const file = (over === undefined ? undefined : this.#records.get(over))?.file ?? { isTouched: false }
    this.#records.set(text, { text, isReplaced: false, file, story: [story] })
  }

  replaced(text: string, story: string): void {
    const record = this.#records.get(text)
    if (record === undefined) return
    record.isReplaced = true
    record.story.push(story)
  }

  /** A file that was moved, or a directory above it, or whose attributes were changed, may outlive a deletion. */
  touched(text: string, story: string): void {
    const record = this.#records.get(text)
    if (record === undefined) return
    record.file.isTouched = true
    record.story.push(story)
  }

  /**
   * @param final - the contents of all files in the end, with where each is
   * @param isSeen - whether a scan ever came by
   */
  check(final: ReadonlyMap<string, string>, isSeen: (text: string) => boolean): string[] {
    const faults: string[] = []
    for (const { text, isReplaced, file, story } of this.#records.values()) {
      if (!isReplaced && isSeen(text) && !final.has(text)) faults.push(`LOST: ${text}: ${story.join('; ')}`)
      const place = final.get(text)
      const isExcused = place === undefined || this.#isExcused(place, story)
      if (isReplaced && !file.isTouched && !isExcused) {
        faults.push(`BACK: ${text} at ${place}: ${story.join('; ')}`)
      }
    }
    return faults
  }

  /**
   * Whether somebody else may have kept it alive. A conflict copy got its name by somebody's change. What stands elsewhere
   * was moved there, with a directory above it. And who deletes a directory keeps what that disk had not yet.
   */
  #isExcused(place: string, story: readonly string[]): boolean {
    const inside = place.slice(place.indexOf('/') + 1)
    const directory = inside.split('/').at(-2)
    return (
      place.includes(' (conflict from ') ||
      !story.some((line) => line.endsWith(inside)) ||
      (directory !== undefined && (this.#removed.get(directory)?.size ?? 0) > 1)
    )
  }
}
