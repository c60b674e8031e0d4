import type { DiskStamp } from '../disk-stamp.ts'

/** One name of a directory on disk. */
export interface LocalName {
  /** In NFC. */
  readonly name: string
  /** As it is on disk. */
  readonly rawName: string
  readonly stamp: DiskStamp
  /** The stamp as the base keeps it: equal texts say that nothing changed, without a look at what is in them. */
  readonly stampText: string
}

/** A directory on disk, as it was listed. */
export interface LocalDirectory {
  readonly folder: string
  /** From the folder's root, in NFC. */
  readonly names: readonly string[]
  readonly rawNames: readonly string[]
  /** By name in NFC. */
  readonly entries: ReadonlyMap<string, LocalName>
  /** Whether it holds something that is not synced beside them. */
  readonly hasMore: boolean
}

/**
 * The directories that were looked at, by `localKey`. What was not looked at is taken to be as the base says. Where a
 * directory was not in the base under its name, all below it was looked at too, and so was the directory that the base has
 * each of its files and directories in.
 */
export type LocalTree = ReadonlyMap<string, LocalDirectory>

export function localKey(folder: string, names: readonly string[]): string {
  return names.length === 0 ? folder : `${folder}/${names.join('/')}`
}

export function childKey(directory: LocalDirectory, name: string): string {
  return localKey(directory.folder, [...directory.names, name])
}
