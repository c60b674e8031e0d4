/** One pack, open. Positions and sizes are in bytes. */
export interface PackFile {
  /** Fills `target` from `position` on, as far as the file goes. @returns how many bytes it got */
  read(target: Uint8Array, position: number): Promise<number>
  /** Writes all parts one after the other, or rejects having written any beginning of them. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>
  truncate(size: number): Promise<void>
  /** Returns when the bytes written and the size are on stable storage. */
  sync(): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/**
 * What packs need of a file system; failures are Node's, with their `code`. The real one is `nodePackFileSystem`;
 * tests put one in its place that crashes or fails at a chosen call.
 */
export interface PackFileSystem {
  /** Makes the directory and its parents where they are missing, for its owner alone. */
  makeDirectory(path: string): Promise<void>
  /** Names in the directory, in no order. */
  list(directory: string): Promise<string[]>
  /** Makes a new file, for its owner alone. */
  create(path: string): Promise<PackFile>
  open(path: string, mode: 'read' | 'write'): Promise<PackFile>
  remove(path: string): Promise<void>
  /** Returns when names created in and removed from the directory are on stable storage. */
  syncDirectory(directory: string): Promise<void>
}
