import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { nameFault } from '@dittofs/interface'
import type { SkippedSource } from './source-entry.ts'

export interface SourceName {
  /** As it is on disk. */
  readonly onDisk: string
  /** As it stands in a space: NFC. */
  readonly inSpace: string
}

export interface SourceNames {
  /** In code unit order of the names in the space. */
  readonly names: readonly SourceName[]
  readonly skipped: readonly SkippedSource[]
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The names in a directory that a space can hold. Those it cannot are told: names that are not UTF-8, that are kept for
 * DittoFS, or that are the same as another once both are in normal form C.
 *
 * @throws system errors
 */
export async function readSourceNames(directory: string): Promise<SourceNames> {
  // As bytes: a name that is not UTF-8 would come as text that names no file.
  const raw = await readdir(directory, { encoding: 'buffer', withFileTypes: true })
  const taken = new Set<string>()
  const names: SourceName[] = []
  const skipped: SkippedSource[] = []
  for (const { name, fault } of decodeAll(raw)) {
    const inSpace = name.normalize('NFC')
    const problem = fault ?? nameFault(inSpace)
    if (problem !== undefined) {
      skipped.push({ path: `${directory}/${name}`, code: 'DITTO_PATH_INVALID', reason: problem })
    } else if (taken.has(inSpace)) {
      const reason = 'another name in this directory is the same in Unicode normal form C'
      skipped.push({ path: `${directory}/${name}`, code: 'DITTO_EXISTS', reason })
    } else {
      taken.add(inSpace)
      names.push({ onDisk: name, inSpace })
    }
  }
  names.sort((a, b) => (a.inSpace < b.inSpace ? -1 : 1))
  return { names, skipped }
}

/** Names already in normal form C first, so that of two that fall together the exact one stays. */
function decodeAll(raw: readonly Dirent<Buffer>[]): { name: string; fault?: string }[] {
  const decoded = raw.map(({ name }) => {
    try {
      return { name: utf8.decode(name) }
    } catch {
      return { name: name.toString('utf8'), fault: 'the name is not valid UTF-8' }
    }
  })
  const isExact = (name: string) => name === name.normalize('NFC')
  return decoded.sort((a, b) => Number(isExact(b.name)) - Number(isExact(a.name)))
}
