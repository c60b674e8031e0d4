import type { Check, LinkState } from '@dittofs/interface'
import { linkStateFinding } from './link-state-finding.ts'

/** Whether this device learns the address that other networks see. @param states - of the device; `undefined` without one */
export function stunCheck(states: () => Promise<readonly LinkState[] | undefined>): Check {
  return { name: 'stun', run: async () => [linkStateFinding('STUN', await states(), 'stun')] }
}
