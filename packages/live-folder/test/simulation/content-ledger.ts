/** What a person did to a content: all that is needed to say whether it may be gone, or be there. */
interface Record {
  readonly text: string
  /** Whether a person overwrote or deleted it where it stood. */
  isReplaced: boolean
  /** Whether a person moved it, or a directory above, or changed its attributes: then it may outlive a deletion. */
  isTouched: boolean
  /** What happened to it, for the report. */
  readonly story: string[]
}

/** Every content that was ever written, and what people did to it on some disk. Kept apart from all the engine knows. */
export class ContentLedger {
  readonly #records = new Map<string, Record>()

  written(text: string, story: string): void {
    this.#records.set(text, { text, isReplaced: false, isTouched: false, story: [story] })
  }

  replaced(text: string, story: string): void {
    const record = this.#records.get(text)
    if (record === undefined) return
    record.isReplaced = true
    record.story.push(story)
  }

  touched(text: string, story: string): void {
    const record = this.#records.get(text)
    if (record === undefined) return
    record.isTouched = true
    record.story.push(story)
  }

  /**
   * @param final - the contents of all files in the end
   * @param isSeen - whether a scan ever came by
   */
  check(final: ReadonlySet<string>, isSeen: (text: string) => boolean): string[] {
    const faults: string[] = []
    for (const { text, isReplaced, isTouched, story } of this.#records.values()) {
      if (!isReplaced && isSeen(text) && !final.has(text)) faults.push(`LOST: ${text}: ${story.join('; ')}`)
      if (isReplaced && !isTouched && final.has(text)) faults.push(`BACK: ${text}: ${story.join('; ')}`)
    }
    return faults
  }
}
