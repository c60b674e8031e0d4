import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { pair } from '../../test/support/pairing.ts'
import { benchDevice } from '../bench-device.ts'
import { untilSame, untilShown } from '../live-pair.ts'
import type { Rival, RivalSession, RunningRival } from './rival.ts'

/** Two daemons, from linked directory to linked directory. */
export function dittofsRival(): Rival {
  return {
    key: 'dittofs',
    title: 'DittoFS, live folders',
    steps: ['tree', 'file', 'one'],
    canRename: true,
    makesFiles: true,
    missing: () => undefined,
    start: async (session) => {
      const { alice, bob, stop } = await startPair(session)
      const sides = [
        { device: alice, folder: session.source },
        { device: bob, folder: session.target },
      ] as const
      await bob.must('link', session.target)
      let isLinked = false
      return {
        sync: async (shows) => {
          if (isLinked) return untilShown(path.join(session.target, shows))
          isLinked = true
          await alice.must('link', session.source)
          await untilSame(...sides)
        },
        stop,
      }
    },
  }
}

/** Two daemons, from a file into the content that the other device keeps: what `add` and `sync` do. */
export function dittofsPoolRival(): Rival {
  return {
    key: 'dittofs-pool',
    title: 'DittoFS, add and sync',
    steps: ['file'],
    canRename: false,
    makesFiles: false,
    missing: () => undefined,
    start: async (session) => {
      const { alice, bob, stop } = await startPair(session)
      const sync = async (shows: string) => {
        await alice.must('add', path.join(session.source, shows))
        await bob.must('sync', '--timeout', '600')
      }
      return { sync, stop }
    },
  }
}

async function startPair({ from, to, state }: RivalSession) {
  await mkdir(state, { recursive: true })
  const [alice, bob] = [benchDevice(state, 'alice', from), benchDevice(state, 'bob', to)]
  const stop: RunningRival['stop'] = async () => {
    await alice.kill()
    await bob.kill()
  }
  try {
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    return { alice, bob, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
