import { packChunkStore } from '@dittofs/chunk-store'
import { type ChunkStore, isDittoError } from '@dittofs/interface'
import {
  CrashFileSystem,
  CrashMachine,
  type CrashMachineInit,
  crashIndexDatabase,
  emptyDisk,
  pseudoRandomBytes,
} from '@dittofs/testing'
import { expect, test } from 'vitest'
import { bytesOf } from './support/file-samples.ts'
import { TestSpace } from './support/test-space.ts'

const clock = {
  now: () => 1_700_000_000_000,
  monotonic: () => 0,
  sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
}

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

/** What a file held after each of the commits, the last one not acknowledged perhaps. */
class Story {
  readonly contents: Buffer[] = [Buffer.alloc(0)]
  acknowledged = 0

  get last(): Buffer {
    return this.contents.at(-1) as Buffer
  }

  written(offset: number, bytes: Uint8Array): Buffer {
    const next = Buffer.alloc(Math.max(this.last.length, offset + bytes.length))
    this.last.copy(next)
    next.set(bytes, offset)
    return next
  }
}

const WRITES = [
  { offset: 0, size: 200_000 },
  { offset: 150_000, size: 4096 },
  { offset: 400_000, size: 10 },
  { offset: 10, size: 3 },
]

/** The device's disk as it is until the power goes, and as the next start finds it. */
function crashingDisk(init: CrashMachineInit) {
  const machine = new CrashMachine(init)
  const index = new Map<string, Uint8Array>()
  const fileSystem = new CrashFileSystem(machine, emptyDisk())
  return {
    machine,
    store: storeOn(machine, fileSystem, index),
    storeAfterwards: () => {
      const next = new CrashMachine({ random: init.random })
      return storeOn(next, new CrashFileSystem(next, fileSystem.diskAfterPowerLoss()), index)
    },
  }
}

function storeOn(machine: CrashMachine, fileSystem: CrashFileSystem, index: Map<string, Uint8Array>): ChunkStore {
  const openIndex = crashIndexDatabase(machine, index)
  return packChunkStore({ directory: '/store', maxPackBytes: 300_000, workers: 0, clock, fileSystem, openIndex })
}

test('what a commit acknowledged is there after a crash of the disk at any moment, and every version shown is whole', async () => {
  const calls = await crashed(undefined)
  expect(calls).toBeGreaterThan(10)
  for (let crashAt = 1; crashAt <= calls; crashAt++) await crashed(crashAt)
})

/** Writes, crashes, starts again and looks. @returns how often the disk was called */
async function crashed(crashAt: number | undefined): Promise<number> {
  const init = { random: generator(crashAt ?? 0), ...(crashAt !== undefined && { crashAt }) }
  const { machine, store, storeAfterwards } = crashingDisk(init)
  const story = new Story()
  const space = await TestSpace.open('alice', { clock, store }).catch((error: unknown) => {
    if (machine.isCrashed) return undefined
    throw error
  })
  if (space === undefined) return machine.calls
  const volume = await space.volume({ quietMs: 1e9, maxDirtyMs: 1e9, clock: stillClock })
  const { handle } = await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
  try {
    for (const [seed, { offset, size }] of WRITES.entries()) {
      const bytes = pseudoRandomBytes(seed, size)
      story.contents.push(story.written(offset, bytes))
      await volume.write(handle, bytes, { offset, isStable: true })
      story.acknowledged = story.contents.length - 1
    }
  } catch (error) {
    if (!machine.isCrashed && !isDittoError(error)) throw error
    expect(machine.isCrashed).toBe(true)
  }
  await volume.abort()
  await store.close().catch(() => undefined)

  const after = storeAfterwards()
  await after.open()
  const again = await new TestSpace(space.metadata, after, space.spoolPath, clock).volume({ clock: stillClock })
  const content = await bytesOf(again, handle)
  const version = story.contents.findIndex((expected) => expected.equals(content))
  expect(version, `a crash at call ${crashAt}`).toBeGreaterThanOrEqual(story.acknowledged)
  await again.abort()
  await after.close()
  await space.metadata.close()
  return machine.calls
}

/** Nothing is committed by itself. */
const stillClock = {
  ...clock,
  sleep: (_delayMs: number, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise<void>((_, reject) => {
      const onAbort = () => reject(signal?.reason as Error)
      if (signal?.aborted === true) onAbort()
      else signal?.addEventListener('abort', onAbort, { once: true })
    }),
}
