/** A person at a live folder: what programs do there while DittoFS looks on. `names` are the parts of a path below it. */
export interface FolderUser {
  write(names: readonly string[], text: string): Promise<void>
  /** @returns `undefined` unless a file is there */
  read(names: readonly string[]): Promise<string | undefined>
  makeDirectory(names: readonly string[]): Promise<void>
  makeSymlink(names: readonly string[], target: string): Promise<void>
  makeSpecial(names: readonly string[]): Promise<void>
  hardLink(from: readonly string[], to: readonly string[]): Promise<void>
  rename(from: readonly string[], to: readonly string[]): Promise<void>
  remove(names: readonly string[]): Promise<void>
  setMode(names: readonly string[], mode: number): Promise<void>
  setTime(names: readonly string[], mtimeNs: bigint): Promise<void>
  /** Sorted, DittoFS's own among them. */
  names(names: readonly string[]): Promise<string[]>
}
