/** What a person did to a content: all that is needed to say whether it may be gone, or be there. */
interface Record {
  readonly text: string
  /** Who overwrote or deleted it where it stood. */
  readonly replacedBy: Set<string>
  /** Shared by all contents of what a person takes for one file. */
  readonly file: { isTouched: boolean }
  /** What happened to it, for the report. */
  readonly story: string[]
}

/** A directory that a person deleted or moved, with all below. */
interface TreeChange {
  readonly device: string
  /** Where it stood in the space; of one that was moved, where it came to. */
  readonly path: string
  /** The contents of all files that went along: what that disk held of it. */
  readonly texts: ReadonlySet<string>
}

interface FinalPlace {
  readonly place: string
  readonly path: string
}

/** Every content that was ever written, and what people did to it on some disk. Kept apart from all the engine knows. */
export class ContentLedger {
  readonly #records = new Map<string, Record>()
  readonly #treeChanges: TreeChange[] = []

  changedTree(change: TreeChange): void {
    this.#treeChanges.push(change)
  }

  /** @param over - the content of the same file that it replaces */
  written(text: string, story: string, over?: string): void {
    const file = (over === undefined ? undefined : this.#records.get(over))?.file ?? { isTouched: false }
    this.#records.set(text, { text, replacedBy: new Set(), file, story: [story] })
  }

  /** @param device - on which a person overwrote or deleted it */
  replaced(text: string, device: string, story: string): void {
    const record = this.#records.get(text)
    if (record === undefined) return
    record.replacedBy.add(device)
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
   * @param final - the contents of all files in the end, with where each is, on which disk and in the space
   * @param isSeen - whether a scan ever came by
   */
  check(final: ReadonlyMap<string, FinalPlace>, isSeen: (text: string) => boolean): string[] {
    const faults: string[] = []
    for (const record of this.#records.values()) {
      const { text, replacedBy, file, story } = record
      const isReplaced = replacedBy.size > 0
      if (!isReplaced && isSeen(text) && !final.has(text)) faults.push(`LOST: ${text}: ${story.join('; ')}`)
      const found = final.get(text)
      if (found === undefined || !isReplaced || file.isTouched || this.#isExcused(found, record)) continue
      faults.push(`BACK: ${text} at ${found.place}: ${story.join('; ')}`)
    }
    return faults
  }

  /**
   * Whether somebody else may have kept it alive. A conflict copy got its name by somebody's change. What stands elsewhere
   * was moved there, with a directory above it. And who deletes a directory keeps what that disk had not yet.
   */
  #isExcused({ place, path }: FinalPlace, { text, replacedBy, story }: Record): boolean {
    const inside = place.slice(place.indexOf('/') + 1).normalize('NFC')
    return (
      place.includes(' (conflict from ') ||
      !story.some((line) => line.normalize('NFC').endsWith(` ${inside}`)) ||
      this.#isKeptUnseen(path, text, replacedBy)
    )
  }

  /**
   * Whether somebody deleted, or moved to there, a directory it is in, on a disk that had not got it: such a deletion
   * places anew what it has not seen (a file, or the directory it is in), a move places the directory, and somebody else's
   * deletion made meanwhile does not reach over either. Who deleted the content itself had it, so that cannot be them.
   */
  #isKeptUnseen(path: string, text: string, replacedBy: ReadonlySet<string>): boolean {
    return this.#treeChanges.some(
      (change) => !replacedBy.has(change.device) && !change.texts.has(text) && path.startsWith(`${change.path}/`),
    )
  }
}
