import { planIncoming } from '../plan/plan-incoming.ts'
import { type LocalPlace, planOutgoing } from '../plan/plan-outgoing.ts'
import { isMade } from '../plan/simulated-disk.ts'
import { inSlices } from '../slices.ts'
import type { EngineContext } from './engine-context.ts'
import { plannedFolders } from './incoming-run.ts'
import type { FolderRuntime } from './linked-folder.ts'
import { scanFolders } from './scan.ts'
import type { FolderPlan, PlannedStep } from './space-folders.ts'

const MAX_STEPS = 10_000

/** What a round would do to one folder: both plans, and nothing of it. */
export async function describePlan(
  context: EngineContext,
  folder: FolderRuntime,
  signal: AbortSignal,
): Promise<FolderPlan> {
  const steps: PlannedStep[] = []
  if (folder.link.mode !== 'receive') steps.push(...(await describeOutgoing(context, folder, signal)))
  const incoming = await describeIncoming(context, folder, signal)
  const isSending = folder.link.mode === 'send'
  for (const step of incoming) {
    if (!isSending) steps.push(step)
    else if (step.type !== 'adopt') steps.push({ ...step, isUntaken: true })
  }
  const held = folder.paused?.held
  return {
    ...{ id: folder.id, steps: steps.slice(0, MAX_STEPS), stepCount: steps.length },
    ...(held === undefined ? {} : { held }),
  }
}

async function describeOutgoing(
  context: EngineContext,
  folder: FolderRuntime,
  signal: AbortSignal,
): Promise<PlannedStep[]> {
  const scan = await scanFolders(context.base, new Map([[folder, 'all' as const]]), context.folders, signal)
  const plan = await inSlices(planOutgoing(context.base, scan.directories, context.remote), signal)
  const isHere = ({ directory }: LocalPlace) => directory.folder === folder.id
  const path = ({ directory, found }: LocalPlace) => [...directory.names, found.name].join('/')
  const kind = ({ found }: LocalPlace) => (found.stamp.kind === 'other' ? 'file' : found.stamp.kind)
  const direction = 'outgoing' as const
  return [
    ...plan.directories.filter(isHere).map((place) => ({
      direction,
      type: place.adopts === undefined ? ('create' as const) : ('adopt' as const),
      kind: kind(place),
      path: path(place),
    })),
    ...plan.moves.filter(isHere).map((place) => {
      const from = place.entry.folder === folder.id ? place.entry.path : `${place.entry.folder}:${place.entry.path}`
      return { direction, type: 'move' as const, kind: kind(place), path: path(place), from }
    }),
    ...plan.leaves
      .filter(isHere)
      .map((place) => ({ direction, type: 'create' as const, kind: kind(place), path: path(place) })),
    ...plan.changes
      .filter(isHere)
      .map((place) => ({ direction, type: 'edit' as const, kind: kind(place), path: path(place) })),
    ...plan.vanished
      .filter((entry) => entry.folder === folder.id)
      .map((entry) => ({ direction, type: 'delete' as const, kind: entry.kind, path: entry.path })),
  ]
}

async function describeIncoming(
  context: EngineContext,
  folder: FolderRuntime,
  signal: AbortSignal,
): Promise<PlannedStep[]> {
  const { base, remote } = context
  const folders = plannedFolders(context).map((one) => ({ ...one, isWritten: one.id === folder.id }))
  const init = { base, remote, folders, scope: 'all' as const, firstNumber: base.nextNumber }
  const plan = await inSlices(planIncoming(init), signal)
  const direction = 'incoming' as const
  return plan.steps.flatMap((step): PlannedStep[] => {
    if (step.type === 'create') {
      const isWaiting = context.waiting.has(step.made.shown.path)
      return [
        { direction, type: 'create', kind: step.made.shown.kind, path: step.path, ...(isWaiting ? { isWaiting } : {}) },
      ]
    }
    if (isMade(step.entry)) return []
    const { kind } = step.entry
    if (step.type === 'move') return [{ direction, type: 'move', kind, path: step.path, from: step.from }]
    if (step.type === 'replace') return [{ direction, type: 'edit', kind, path: step.path }]
    return [{ direction, type: step.type === 'remove' ? 'delete' : step.type, kind, path: step.path }]
  })
}
