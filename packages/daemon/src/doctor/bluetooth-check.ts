import type { Check, LinkState } from '@dittofs/interface'
import { linkStateFinding } from './link-state-finding.ts'

/** Whether devices nearby can be reached without a network. @param states - of the device; `undefined` without one */
export function bluetoothCheck(states: () => Promise<readonly LinkState[] | undefined>): Check {
  return { name: 'bluetooth', run: async () => [linkStateFinding('Bluetooth', await states(), 'ble')] }
}
