import type { AbortOptions } from '@dittofs/interface'
import type { DirtyDirectories, DiskListing, FolderFileSystem, UnusableName } from '../folder-file-system.ts'
import { IgnoreFiles } from './ignore-files.ts'

/** A live folder's directory in whose listings is told what its ignore files leave out. */
export function ignoringFileSystem(inner: FolderFileSystem): FolderFileSystem {
  const files = new IgnoreFiles(inner)
  let tell: (dirty: DirtyDirectories) => void = () => undefined

  async function list(names: readonly string[], options: AbortOptions = {}): Promise<DiskListing | undefined> {
    await files.load(names, options)
    const listing = await inner.list(names, options)
    if (listing === undefined) return undefined
    // Other patterns: what was left out elsewhere may have to be taken up.
    if (await files.note(names, listing, options)) tell('all')
    const { rules } = files
    const marked = listing.names.map((found) => {
      const isIgnored = rules.isIgnored([...names, found.name], found.stamp.kind === 'directory')
      return isIgnored ? { ...found, isIgnored } : found
    })
    const faults = names.length > 0 ? [] : rules.faults.map(({ file, line, reason }) => faultName(file, line, reason))
    return { names: marked, unusable: [...listing.unusable, ...faults] }
  }

  return {
    list,
    stat: (names) => inner.stat(names),
    readLink: (names) => inner.readLink(names),
    read: (names, expected, options) => inner.read(names, expected, options),
    makeDirectory: (names) => inner.makeDirectory(names),
    writeFile: (names, source, expected) => inner.writeFile(names, source, expected),
    makeSymlink: (names, link, expected) => inner.makeSymlink(names, link, expected),
    setAttributes: (names, attributes, expected) => inner.setAttributes(names, attributes, expected),
    rename: (from, to, expected) => inner.rename(from, to, expected),
    remove: (names, expected) => inner.remove(names, expected),
    watch(onDirty, options) {
      tell = onDirty
      return inner.watch(onDirty, options)
    },
    flush: () => inner.flush(),
    close: () => inner.close(),
  }
}

function faultName(file: string, line: number, reason: string): UnusableName {
  return { shown: `${file}:${line}`, reason: `This pattern is left out: ${reason}.` }
}
