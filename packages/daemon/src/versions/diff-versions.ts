import { isUtf8 } from 'node:buffer'
import type { AbortOptions, ConflictDiff, FileContent, SpaceHistory } from '@dittofs/interface'
import { createTwoFilesPatch } from 'diff'
import type { OpenSpace } from '../spaces/open-space.ts'
import { baseOf, type OpenConflict } from './list-conflicts.ts'
import { type ContentAccess, readWhole } from './read-whole.ts'

/** Longer files are compared by other means. */
const MAX_DIFF_BYTES = 4 * 1024 * 1024
/** Comparing gives up when the versions have so little in common that it takes longer. */
const DIFF_TIMEOUT_MS = 2000

/** Compares each version with the one they come from or, where that is not known, the copies with the first. */
export async function diffVersions(
  access: ContentAccess,
  space: OpenSpace,
  history: SpaceHistory,
  { main, copies }: OpenConflict,
  options: AbortOptions = {},
): Promise<ConflictDiff> {
  const read = (path: string, file: FileContent) => readWhole(access, space, { path, file }, MAX_DIFF_BYTES, options)
  const noText = { path: main.path, text: '', isText: false }
  if (main.file === undefined) return noText
  const mainBytes = await read(main.path, main.file)
  const patches: string[] = []
  for (const copy of copies) {
    if (copy.file === undefined) return noText
    const base = await baseOf(history, main, copy)
    const copyBytes = await read(copy.path, copy.file)
    const baseFile = base?.content?.kind === 'file' ? base.content.file : undefined
    const baseBytes = baseFile === undefined ? undefined : await read(main.path, baseFile).catch(() => undefined)
    const pairs: [string, Uint8Array, string, Uint8Array][] =
      baseBytes === undefined
        ? [[main.path, mainBytes, copy.path, copyBytes]]
        : [
            [`${main.path} (before)`, baseBytes, main.path, mainBytes],
            [`${main.path} (before)`, baseBytes, copy.path, copyBytes],
          ]
    for (const [from, before, to, after] of pairs) {
      if (!isText(before) || !isText(after)) return noText
      const patch = createTwoFilesPatch(from, to, textOf(before), textOf(after), undefined, undefined, {
        timeout: DIFF_TIMEOUT_MS,
      })
      patches.push(patch ?? `${from} and ${to} have too little in common to be compared.\n`)
    }
  }
  return { path: main.path, text: patches.join('\n'), isText: true }
}

function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
