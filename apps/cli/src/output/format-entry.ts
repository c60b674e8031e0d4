import type { ListEntry } from '@dittofs/interface'
import { escapeText } from './escape-text.ts'
import { formatBytes } from './format-bytes.ts'
import { formatMoment } from './format-time.ts'

const KIND_LETTERS: Readonly<Record<ListEntry['kind'], string>> = { file: '-', directory: 'd', symlink: 'l' }
/** The widest that `formatBytes` and `formatMoment` give: columns are fixed, because the list is printed as it comes. */
const SIZE_WIDTH = 8
const TIME_WIDTH = 14

/**
 * One entry of a list for a person: one line, and with `isVerbose` one more for each chunk.
 *
 * @param now - milliseconds since the Unix epoch
 */
export function formatEntry(entry: ListEntry, now: number, isVerbose: boolean): string[] {
  const size = entry.kind === 'directory' ? '' : formatBytes(entry.size)
  const changedMs = Number(BigInt(entry.mtime) / 1_000_000n)
  const suffix =
    entry.kind === 'directory' ? '/' : entry.kind === 'symlink' ? ` -> ${escapeText(entry.target ?? '')}` : ''
  const remarks = [
    ...(entry.missingChunks > 0 ? [`${entry.missingChunks} of ${entry.chunks} chunks missing`] : []),
    ...(entry.conflictOf === undefined ? [] : [`conflicts with ${escapeText(entry.conflictOf)}`]),
    ...(entry.pin === 'evicted' || (isVerbose && entry.pin !== undefined) ? [`${entry.pin} here`] : []),
    ...(isVerbose && entry.author !== undefined ? [`by ${escapeText(entry.author)}`] : []),
  ]
  const line = [
    KIND_LETTERS[entry.kind] + formatMode(entry.mode),
    size.padStart(SIZE_WIDTH),
    formatMoment(changedMs, now).padEnd(TIME_WIDTH),
    escapeText(entry.path) + suffix + (remarks.length > 0 ? `  (${remarks.join('; ')})` : ''),
  ].join('  ')
  return [line, ...(isVerbose ? (entry.chunkIds ?? []).map((id) => `    ${id}`) : [])]
}

/** Permission bits as `ls` shows them: `rw-r--r--`. */
function formatMode(mode: number): string {
  return [6, 3, 0]
    .map((shift) => {
      const bits = mode >> shift
      return (bits & 4 ? 'r' : '-') + (bits & 2 ? 'w' : '-') + (bits & 1 ? 'x' : '-')
    })
    .join('')
}
