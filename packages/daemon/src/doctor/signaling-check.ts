import type { Check, LinkState } from '@dittofs/interface'
import { linkStateFinding } from './link-state-finding.ts'

/** Whether devices in other networks can be told where this one is. @param states - of the device; `undefined` without one */
export function signalingCheck(states: () => Promise<readonly LinkState[] | undefined>): Check {
  return { name: 'signaling', run: async () => [linkStateFinding('Signaling', await states(), 'signaling')] }
}
