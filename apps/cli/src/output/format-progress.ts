import type { Progress } from '@dittofs/interface'
import { escapeText } from './escape-text.ts'
import { formatBytes } from './format-bytes.ts'
import { formatCount } from './format-count.ts'
import { formatClock } from './format-time.ts'

const PHASES: Readonly<Record<Progress['phase'], string>> = {
  scan: 'Looking',
  add: 'Adding',
  connect: 'Connecting',
  confirm: 'Waiting to be confirmed',
  metadata: 'Comparing',
  fetch: 'Fetching',
  write: 'Writing',
  verify: 'Verifying',
  repair: 'Repairing',
  send: 'Sending',
  export: 'Writing the bundle',
  import: 'Reading the bundle',
}

/**
 * One line that says where work stands, cut to a terminal's width.
 *
 * @param bytesPerSecond - `undefined` while not known
 */
export function formatProgress(progress: Progress, bytesPerSecond: number | undefined, columns: number): string {
  const { filesDone, filesTotal, bytesDone, bytesTotal } = progress
  const parts = [PHASES[progress.phase]]
  if (bytesTotal !== undefined && bytesTotal > 0) {
    parts.push(`${Math.floor(Math.min(1, bytesDone / bytesTotal) * 100)} %`)
  }
  if (filesDone > 0 || filesTotal !== undefined) {
    parts.push(`${formatCount(filesDone)}${filesTotal === undefined ? '' : ` of ${formatCount(filesTotal)}`} files`)
  }
  if (bytesDone > 0 || bytesTotal !== undefined) {
    parts.push(`${formatBytes(bytesDone)}${bytesTotal === undefined ? '' : ` of ${formatBytes(bytesTotal)}`}`)
  }
  if (bytesPerSecond !== undefined && bytesPerSecond >= 1) {
    parts.push(`${formatBytes(bytesPerSecond)}/s`)
    if (bytesTotal !== undefined && bytesTotal > bytesDone) {
      parts.push(`${formatClock(((bytesTotal - bytesDone) / bytesPerSecond) * 1000)} left`)
    }
  }
  if (progress.current !== undefined) parts.push(escapeText(progress.current))
  // The last column stays free: some terminals wrap when it is filled.
  return [...parts.join('  ')].slice(0, Math.max(0, columns - 1)).join('')
}
