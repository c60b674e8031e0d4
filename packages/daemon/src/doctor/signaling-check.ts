import type { Check, LinkState } from '@dittofs/interface'
import { linkStateFinding } from './link-state-finding.ts'

/**
 * Whether devices in other networks can be told where this one is.
 *
 * @param servers - of the settings
 * @param states - of the device; `undefined` where there is none
 */
export function signalingCheck(
  servers: () => readonly string[],
  states: () => Promise<readonly LinkState[] | undefined>,
): Check {
  return {
    name: 'signaling',
    run: async () => {
      if (servers().length === 0) {
        const text =
          'No signaling server is in the settings: devices are reached in networks they share, or where a router lets them in.'
        return [{ level: 'ok', text }]
      }
      const known = await states()
      if (known?.some(({ name }) => name === 'webrtc') !== true) {
        return [{ level: 'ok', text: 'The signaling servers of the settings are tried when a daemon runs.' }]
      }
      return [linkStateFinding('Signaling', known, 'webrtc')]
    },
  }
}
