import type { PlaceKey } from '@dittofs/chunk-store'
import { systemClock } from '@dittofs/interface'
import { expect, it } from 'vitest'
import { PlaceDoubts, type PlaceDoubtsInit } from '../src/folders/place-doubts.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

/** The time the folders get to be in step. */
const PATIENCE_MS = 60_000

/** A clock by which waits are over at once, and which remembers them; patience has no end until it is lost. */
function eagerClock() {
  const waits: number[] = []
  const sleep = async (delayMs: number, { signal }: { signal?: AbortSignal } = {}) => {
    signal?.throwIfAborted()
    if (delayMs === PATIENCE_MS && !impatience.isLost) {
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    waits.push(delayMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const impatience = { isLost: false }
  return { waits, impatience, clock: { ...systemClock, sleep } }
}

function doubts(
  files: Map<PlaceKey, { path: string | undefined; isWhole: boolean }>,
  lookAgain: PlaceDoubtsInit['lookAgain'] = async () => {},
) {
  const { clock, waits, impatience } = eagerClock()
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
  return { doubts: new PlaceDoubts(init), lost, waits, impatience, untilLost }
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

it('gives folders that are never in step up after a time by its own clock, and looks at those of the files alone', async () => {
  const files = new Map([['1.busy', { path: '/a', isWhole: false }]])
  const looked: (readonly PlaceKey[])[] = []
  const {
    doubts: all,
    lost,
    waits,
    impatience,
    untilLost,
  } = doubts(files, async (keys, { signal }) => {
    looked.push(keys)
    if (looked.length > 1) return
    await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
  })
  impatience.isLost = true
  all.add('1.busy')
  await untilLost()
  await all.close()
  expect(lost).toEqual(['1.busy'])
  expect(looked).toEqual([['1.busy'], ['1.busy']])
  expect(waits.slice(0, 3)).toEqual([3000, PATIENCE_MS, 30_000])
})
