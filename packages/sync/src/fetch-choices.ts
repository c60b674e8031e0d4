import type { TreeEntry } from '@dittofs/interface'

/** `fetch`: whatever the policy says. `leave`: not by itself, and it does not count as missing either. */
export type FetchChoice = 'fetch' | 'leave'

/** What a person decided about single files and directories, otherwise than by the policy of the space. */
export interface FetchChoices {
  /** Whether there is anything to be fetched whatever the policy says. */
  hasPinned(): boolean
  /** For one walk of the tree: what was decided about an entry; `undefined` where the policy holds. */
  begin(): (entry: TreeEntry) => FetchChoice | undefined
}
