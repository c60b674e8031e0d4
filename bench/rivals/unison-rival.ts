import path from 'node:path'
import { untilListening } from '../rsync-peer.ts'
import { HostProcess, missingProgram, runAt } from './host-process.ts'
import type { Rival } from './rival.ts'

const PORT = 5055

/** Unison, started for each sync, to a socket in the clear. */
export function unisonRival(): Rival {
  return {
    key: 'unison',
    title: 'Unison',
    steps: ['tree'],
    canRename: true,
    makesFiles: true,
    missing: () => missingProgram('unison'),
    start: async ({ from, to, source, target, state }) => {
      const home = (name: string) => ({ HOME: state, UNISON: path.join(state, name) })
      const listen = ['unison', '-socket', String(PORT), '-listen', to.address]
      const server = new HostProcess(to, listen, home('to'), path.join(state, 'unison.log'))
      await untilListening(from, to, PORT)
      const roots = [source, `socket://${to.address}:${PORT}/${target}`]
      const options = ['-ui', 'text', '-batch', '-auto', '-silent', '-times', '-confirmbigdel=false']
      return {
        sync: () => runAt(from, ['unison', ...roots, ...options], home('from')),
        stop: () => server.stop(),
      }
    },
  }
}
