import type { AbortOptions, Versions } from '@dittofs/interface'
import type { ControlClient } from './control-client.ts'

/** The versions that a running daemon knows. */
export function connectedVersions(client: ControlClient): Versions {
  return {
    history: (path, options = {}) => client.call('history', { ...parametersOf(options), path }, options),
    restore: (path, options = {}) => client.call('restore', { ...parametersOf(options), path }, options),
    deleted: (options = {}) => client.call('deleted', parametersOf(options), options),
    restoreDeleted: (path, options = {}) =>
      client.call('restoreDeleted', { ...parametersOf(options), ...(path === undefined ? {} : { path }) }, options),
    changes: (options = {}) => client.call('changeGroups', parametersOf(options), options),
    undo: (id, options = {}) =>
      client.call('undo', { ...parametersOf(options), ...(id === undefined ? {} : { id }) }, options),
    conflicts: (options = {}) => client.call('conflicts', parametersOf(options), options),
    diffConflict: (path, options = {}) => client.call('diffConflict', { ...parametersOf(options), path }, options),
    takeConflict: (path, choice, options = {}) =>
      client.call('takeConflict', { ...parametersOf(options), path, choice }, options),
    mergeConflict: (path, options = {}) => client.call('mergeConflict', { ...parametersOf(options), path }, options),
  }
}

function parametersOf<Options extends AbortOptions>(options: Options): Omit<Options, 'signal'> {
  const { signal: _signal, ...parameters } = options
  return parameters
}
