import type { SpaceHistory } from '@dittofs/interface'
import { LevelSpaceHistory, type SpaceHistoryInit } from './space-history.ts'

/** The history of a space on a database of the caller's; not yet open. Close it before the store it follows. */
export function spaceHistory(init: SpaceHistoryInit): SpaceHistory {
  return new LevelSpaceHistory(init)
}
