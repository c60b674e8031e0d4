import type { LocalTree } from '../plan/local-tree.ts'
import { type LocalPlace, planOutgoing } from '../plan/plan-outgoing.ts'
import { inSlices } from '../slices.ts'
import type { EngineContext } from './engine-context.ts'

/** Tells what differs in folders that only receive. Nothing of it is sent, and nothing of it is touched. */
export async function describeDifferences(
  context: EngineContext,
  local: LocalTree,
  signal: AbortSignal,
): Promise<void> {
  const { base, remote, folders } = context
  const plan = await inSlices(planOutgoing(base, local, remote), signal)
  for (const { entry, found } of plan.refreshes) base.update(entry, { stamp: found.stamp, rawName: found.rawName })
  const tell = ({ directory, found }: LocalPlace, message: string) => {
    folders.get(directory.folder)?.report('disk', [...directory.names, found.name].join('/'), 'local-change', message)
  }
  for (const place of [...plan.directories, ...plan.leaves]) tell(place, 'This is here only: the folder only receives.')
  for (const place of plan.moves) tell(place, 'This was moved here only: the folder only receives.')
  for (const place of plan.changes) tell(place, 'This was changed here only: the folder only receives.')
  for (const entry of plan.vanished) {
    folders
      .get(entry.folder)
      ?.report('disk', entry.path, 'local-change', 'This was deleted here only: the folder only receives.')
  }
}
