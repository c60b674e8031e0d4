import { RsyncPeer, type RsyncWay, rsyncUnavailable } from '../rsync-peer.ts'
import type { Rival } from './rival.ts'

/** rsync, started for each sync: to a daemon in the clear, or over ssh with a new connection each time. */
export function rsyncRival(way: RsyncWay): Rival {
  return {
    key: `rsync-${way}`,
    title: way === 'daemon' ? 'rsync daemon' : 'rsync over ssh',
    steps: ['tree', 'file'],
    canRename: way === 'daemon',
    makesFiles: true,
    missing: () => rsyncUnavailable(way),
    start: async ({ step, from, to, source, target, state }) => {
      const peer = await RsyncPeer.start(way, from, to, state, target)
      // One large file is to be durable as ours is; many files are copied as everybody copies them.
      const options = step === 'file' ? ['--fsync'] : []
      return { sync: () => peer.push(`${source}/`, ...options), stop: () => peer.stop() }
    },
  }
}
