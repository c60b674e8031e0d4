/** Names a file of the user's in which chunks lie: opaque to the store, 1 to 64 bytes of UTF-8. */
export type PlaceKey = string

/** An open file of the user's. */
export interface PlacedFile {
  /** Fills `target` from `position` on. @returns the bytes read; fewer than asked only at the end of the file */
  read(target: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** Where the files are that a store refers to: they move and go, and only their owner knows. */
export interface PlacedFiles {
  /**
   * Opens a file for reading, without following a symlink.
   *
   * @returns `undefined` where it cannot be had now; nothing is concluded from that
   */
  open(key: PlaceKey): Promise<PlacedFile | undefined>

  /** Where a file is, absolute, if it can be opened by that: many are then read together. */
  pathOf?(key: PlaceKey): string | undefined

  /** Told that a file could not be had, or did not hold a chunk that it should. Its owner may want to look into it. */
  doubt?(key: PlaceKey): void
}
