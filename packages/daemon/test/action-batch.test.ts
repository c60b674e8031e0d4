import type { Action } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { ActionBatch, type Change } from '../src/add/action-batch.ts'

function change(path: string): Change {
  const action: Action = { type: 'remove', path }
  return { actions: [action], onCommitted: () => undefined }
}

describe('ActionBatch', () => {
  it('hands changes on in order, a thousand at a time, one batch after the other', async () => {
    const sizes: number[] = []
    const paths: string[] = []
    let running = 0
    const batch = new ActionBatch(async (changes) => {
      expect(++running).toBe(1)
      await new Promise(setImmediate)
      sizes.push(changes.length)
      for (const { actions } of changes) for (const action of actions) if ('path' in action) paths.push(action.path)
      running--
    })
    for (let i = 0; i < 2500; i++) await batch.push(change(String(i)))
    await batch.finish()
    expect(sizes).toEqual([1000, 1000, 500])
    expect(paths).toEqual(Array.from({ length: 2500 }, (_, i) => String(i)))
  })

  it('hands nothing on after a failure, and tells it at the end', async () => {
    let commits = 0
    const batch = new ActionBatch(async () => {
      commits++
      throw new Error('the disk is full')
    })
    const pushing = (async () => {
      for (let i = 0; i < 20_000; i++) await batch.push(change(String(i)))
      await batch.finish()
    })()
    await expect(pushing).rejects.toThrow('the disk is full')
    expect(commits).toBe(1)
  })

  it('makes who pushes wait while too much is waiting', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const batch = new ActionBatch(() => held)
    let pushed = 0
    const pushing = (async () => {
      for (let i = 0; i < 10_000; i++) {
        await batch.push(change(String(i)))
        pushed++
      }
    })()
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(pushed).toBeLessThan(6000)
    release()
    await pushing
    await batch.finish()
  })
})
