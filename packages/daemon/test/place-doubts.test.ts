import type { PlaceKey } from '@dittofs/chunk-store'
import { systemClock } from '@dittofs/interface'
import { expect, it } from 'vitest'
import { PlaceDoubts } from '../src/folders/place-doubts.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** A clock by which waits are over at once, and which remembers them. */
function eagerClock() {
  const waits: number[] = []
  const sleep = async (delayMs: number, { signal }: { signal?: AbortSignal } = {}) => {
    signal?.throwIfAborted()
    waits.push(delayMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { waits, clock: { ...systemClock, sleep } }
}

function doubts(files: Map<PlaceKey, { path: string | undefined; isWhole: boolean }>, lookAgain = async () => {}) {
  const { clock, waits } = eagerClock()
  const lost: PlaceKey[] = []
  let wake: () => void = () => undefined
  const init = {
    store: {
      isPlaced: async (key: PlaceKey) => files.has(key),
      holds: async (key: PlaceKey) => files.get(key)?.isWhole === true,
      unplace: async (key: PlaceKey) => void files.delete(key),
    },
    locate: (key: PlaceKey) => files.get(key)?.path,
    lookAgain,
    onLost: (key: PlaceKey) => {
      lost.push(key)
      wake()
    },
    ...{ clock, logger: quiet },
  }
  const untilLost = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  return { doubts: new PlaceDoubts(init), lost, waits, untilLost }
}

it('lets a file count as nothing that still does not hold what it should once the folders are in step', async () => {
  const files = new Map([
    ['1.whole', { path: '/a', isWhole: true }],
    ['1.other', { path: '/b', isWhole: false }],
    ['1.gone', { path: undefined, isWhole: false }],
  ])
  const { doubts: all, lost, untilLost } = doubts(files)
  for (const key of files.keys()) all.add(key)
  while (lost.length < 2) await untilLost()
  await all.close()
  expect(lost.sort()).toEqual(['1.gone', '1.other'])
  expect([...files.keys()]).toEqual(['1.whole'])
})

it('believes a file that was moved while it was read, and concludes nothing while the folders are not in step', async () => {
  const moved = { path: '/before', isWhole: false }
  const files = new Map([['1.moved', moved]])
  let looks = 0
  const {
    doubts: all,
    lost,
    waits,
  } = doubts(files, async () => {
    looks++
    if (looks === 1) throw new Error('not in step')
    moved.path = '/after'
    moved.isWhole = true
  })
  all.add('1.moved')
  await expect.poll(() => looks).toBe(2)
  await all.close()
  expect(lost).toEqual([])
  expect([...files.keys()]).toEqual(['1.moved'])
  expect(waits).toEqual([3000, 30_000])
})
