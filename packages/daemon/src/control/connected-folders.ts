import type { LiveFolders } from '@dittofs/interface'
import type { ControlClient } from './control-client.ts'

/** The live folders of a running daemon. */
export function connectedFolders(client: ControlClient): LiveFolders {
  const named = (directory: string | undefined) => (directory === undefined ? {} : { directory })
  return {
    link: (directory, options) => client.call('linkFolder', { ...options, directory }),
    unlink: (directory) => client.call('unlinkFolder', { directory }),
    list: () => client.call('folders', {}),
    pause: (directory) => client.call('pauseFolder', named(directory)),
    resume: (directory, options) => client.call('resumeFolder', { ...options, ...named(directory) }),
    rescan: (directory, options) => client.call('rescanFolder', named(directory), options),
    plan: (directory, options) => client.call('planFolder', named(directory), options),
    why: (path, options = {}) => {
      const { signal: _signal, ...parameters } = options
      return client.call('why', { ...parameters, path }, options)
    },
    ignored: (directory, options = {}) => {
      const { signal: _signal, ...parameters } = options
      return client.call('ignored', { ...parameters, directory }, options)
    },
  }
}
