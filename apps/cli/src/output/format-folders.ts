import type { FolderInfo } from '@dittofs/interface'
import { escapeText } from './escape-text.ts'
import { formatBytes } from './format-bytes.ts'
import { countOf, formatCount } from './format-count.ts'
import { formatClock } from './format-time.ts'
import type { Output } from './output.ts'

/** Problems told of each folder; `--json` has more. */
const PROBLEMS_SHOWN = 5

/** Each live folder in a few lines for a person. */
export function formatFolders(folders: readonly FolderInfo[]): string[] {
  if (folders.length === 0) return ['No live folders; "dittofs link DIRECTORY" makes one.']
  return folders.flatMap((folder) => [
    `${escapeText(folder.directory)}  (${placeOf(folder)})`,
    `  ${stateOf(folder)}`,
    `  ${countOf(folder.files, 'file')}, ${formatBytes(folder.bytes)} in step${waitingOf(folder)}`,
    ...heldLines(folder),
    ...problemLines(folder),
  ])
}

/** Says on stderr what of a folder cannot be synced. */
export function noteProblems(output: Output, folder: FolderInfo): void {
  for (const line of problemLines(folder)) output.note(`dittofs: ${line.trim()}`)
}

function placeOf({ space, path, mode }: FolderInfo): string {
  const place = path === '' ? escapeText(space.name) : `${escapeText(space.name)}: ${escapeText(path)}`
  return mode === 'two-way' ? place : `${place}, ${mode} only`
}

function stateOf({ state, reason, progress }: FolderInfo): string {
  if (state === 'paused') return `paused: ${escapeText(reason ?? 'by you')}`
  if (progress === undefined) return state
  const { stepsDone, stepsTotal, bytesDone, bytesTotal, etaMs } = progress
  const eta = etaMs === undefined ? '' : `, ${formatClock(etaMs)} to go`
  return `${state}: ${formatCount(stepsDone)} of ${countOf(stepsTotal, 'step')}, ${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${eta}`
}

function waitingOf({ waitingFiles, waitingBytes, waitingEtaMs, untaken = 0 }: FolderInfo): string {
  const size = waitingBytes === undefined ? '' : ` (${formatBytes(waitingBytes)})`
  const eta = waitingEtaMs === undefined ? '' : `, ${formatClock(waitingEtaMs)} to go`
  const waiting = waitingFiles === 0 ? '' : `; ${countOf(waitingFiles, 'file')}${size} to come${eta}`
  return untaken === 0 ? waiting : `${waiting}; ${countOf(untaken, 'change')} of others not taken`
}

function heldLines({ held }: FolderInfo): string[] {
  if (held === undefined) return []
  const { direction, deletes, replaces, files } = held
  const whose = direction === 'out' ? 'A change made here' : 'A change made by others'
  return [
    `  ${whose} would delete ${formatCount(deletes)} and replace ${formatCount(replaces)} of ${countOf(files, 'file')}; it ` +
      'waits. "dittofs plan" shows it, "dittofs resume --accept" does it.',
  ]
}

function problemLines({ problems, problemCount }: FolderInfo): string[] {
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ path, reason }) => `  ! ${escapeText(path)}: ${reason}`)
  const rest = problemCount - shown.length
  return rest > 0 ? [...shown, `  ! and ${formatCount(rest)} more; --json has them`] : shown
}
