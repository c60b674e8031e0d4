import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { HostProcess, runAt } from './host-process.ts'
import type { Rival } from './rival.ts'

const PEERS = {
  tree: path.resolve('bench/raw-tls-tree-peer.mjs'),
  file: path.resolve('bench/raw-tls-peer.mjs'),
} as const

/**
 * The line that no Node program crosses: everything down one TLS 1.3 connection between two processes. Of many files each is
 * read at once and many are sent together, and nothing is synced; one file is synced.
 */
export function rawTlsRival(step: 'tree' | 'file'): Rival {
  return {
    key: `raw-tls-${step}`,
    title: step === 'tree' ? 'batched raw TLS stream' : 'raw TLS stream to disk',
    steps: [step],
    canRename: false,
    makesFiles: true,
    missing: () => undefined,
    start: async ({ from, to, source, target }) => {
      const node = [process.execPath, PEERS[step]]
      const name = step === 'tree' ? '' : 'file.bin'
      const receiver = new HostProcess(to, [...node, 'receive', path.join(target, name), to.address])
      const port = await receiver.firstLine()
      return {
        sync: async () => {
          if ((await readdir(source)).length === 0) throw new Error('there is nothing to send')
          await runAt(from, [...node, 'send', port, path.join(source, name), to.address])
        },
        stop: () => receiver.stop(),
      }
    },
  }
}
