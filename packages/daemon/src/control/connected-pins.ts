import type { PathOptions, Pins } from '@dittofs/interface'
import type { ControlClient } from './control-client.ts'

/** What a running daemon keeps, and how to change it. */
export function connectedPins(client: ControlClient): Pins {
  return {
    pin: (path, options = {}) => client.call('pin', { ...parametersOf(options), path }, options),
    unpin: (path, options = {}) => client.call('unpin', { ...parametersOf(options), path }, options),
    evict: (path, options = {}) => client.call('evict', { ...parametersOf(options), path }, options),
  }
}

function parametersOf({ signal: _signal, ...parameters }: PathOptions): Omit<PathOptions, 'signal'> {
  return parameters
}
