import type { BaseEntry } from '../base/base-entry.ts'
import type { IncomingStep } from '../plan/incoming-plan.ts'
import type { OutgoingPlan } from '../plan/plan-outgoing.ts'
import type { HeldChange } from './space-folders.ts'

/** Files a folder has at least before a share of it says anything. */
const MIN_FILES = 20
const MAX_SHARE = 0.3

/** Whether that much at once has to be confirmed by a person. */
export function isBraked(
  { deletedFiles, replacedFiles, files }: Omit<HeldChange, 'direction'>,
  maxFiles: number,
): boolean {
  const lost = deletedFiles + replacedFiles
  return lost > maxFiles || (files >= MIN_FILES && lost > files * MAX_SHARE)
}

/** Files that would be deleted in the document, by folder. What moved elsewhere does not count. */
export function countDeletions(plan: Pick<OutgoingPlan, 'vanished' | 'moves'>): Map<string, number> {
  const moved = new Set(plan.moves.map(({ entry }) => entry))
  const counts = new Map<string, number>()
  for (const top of plan.vanished) {
    const pending: BaseEntry[] = [top]
    for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
      if (moved.has(entry)) continue
      if (entry.kind === 'file') counts.set(entry.folder, (counts.get(entry.folder) ?? 0) + 1)
      for (const child of entry.children?.values() ?? []) pending.push(child)
    }
  }
  return counts
}

/** Files on disk that a plan removes or overwrites, by folder. */
export function countIncoming(
  steps: readonly IncomingStep[],
  isKeptElsewhere: (entry: BaseEntry) => boolean,
): Map<string, { deletedFiles: number; replacedFiles: number }> {
  const counts = new Map<string, { deletedFiles: number; replacedFiles: number }>()
  for (const step of steps) {
    if ((step.type !== 'remove' && step.type !== 'replace') || step.entry.kind !== 'file') continue
    if (step.type === 'remove' && isKeptElsewhere(step.entry)) continue
    const count = counts.get(step.folder) ?? { deletedFiles: 0, replacedFiles: 0 }
    counts.set(step.folder, count)
    if (step.type === 'remove') count.deletedFiles += 1
    else count.replacedFiles += 1
  }
  return counts
}
