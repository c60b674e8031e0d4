import type { AbortOptions, IgnoredPath } from '@dittofs/interface'
import type { FolderFileSystem } from '../folder-file-system.ts'
import { isOwnName } from '../plan/own-names.ts'
import { IgnoreFiles } from './ignore-files.ts'
import { IgnoreRules } from './ignore-rules.ts'

/** More than that are not listed: whoever looks for a mistake has seen it by then. */
const MAX_FOUND = 10_000

/**
 * What the ignore files of a live folder leave out, topmost first: of an ignored directory only itself.
 *
 * @param options - `pattern`: what this pattern alone would leave out
 */
export async function findIgnored(
  fileSystem: FolderFileSystem,
  { pattern, ...options }: AbortOptions & { pattern?: string } = {},
): Promise<readonly IgnoredPath[]> {
  const files = new IgnoreFiles(fileSystem)
  const tried = pattern === undefined ? undefined : IgnoreRules.parse(pattern)
  const found: IgnoredPath[] = []
  const waiting: (readonly string[])[] = [[]]
  for (let names = waiting.pop(); names !== undefined && found.length < MAX_FOUND; names = waiting.pop()) {
    const listing = await fileSystem.list(names, options)
    if (listing === undefined) continue
    await files.note(names, listing, options)
    const directories: (readonly string[])[] = []
    for (const { name, stamp } of [...listing.names].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (isOwnName(name)) continue
      const path = [...names, name]
      const isDirectory = stamp.kind === 'directory'
      const match = (tried ?? files.rules).match(path, isDirectory)
      if (match?.isIgnored === true) {
        const source = tried === undefined ? { file: match.file, line: match.line } : {}
        found.push({ path: path.join('/'), isDirectory, pattern: match.pattern, ...source })
      } else if (isDirectory) directories.push(path)
    }
    waiting.push(...directories.reverse())
  }
  return found
}
