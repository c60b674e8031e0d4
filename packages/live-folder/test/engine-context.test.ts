import { ManualClock } from '@dittofs/testing'
import { expect, it } from 'vitest'
import type { BaseEntry } from '../src/base/base-entry.ts'
import type { BaseStore } from '../src/base/base-store.ts'
import { EngineContext } from '../src/engine/engine-context.ts'
import type { SpaceFoldersInit } from '../src/engine/space-folders.ts'

const LONG_MS = 120_000

function contextAt(clock: ManualClock): EngineContext {
  return new EngineContext({ clock } as unknown as SpaceFoldersInit, {} as BaseStore)
}

it('tries a path again that something came in the way of, until a try meets nothing', () => {
  const clock = new ManualClock()
  const context = contextAt(clock)
  context.retry('photos/a.jpg')
  clock.pass(LONG_MS)
  expect(context.markRetries()).toBeUndefined()
  expect(context.takeScope()).toMatchObject({ paths: new Map([['photos/a.jpg', 'below']]) })
  // The run meets the same again.
  context.retry('photos/a.jpg')
  context.endScope()
  expect(context.hasRetries).toBe(true)
  clock.pass(LONG_MS)
  context.markRetries()
  context.takeScope()
  // The run finds nothing to do for it any more.
  context.endScope()
  expect(context.hasRetries).toBe(false)
})

it('keeps what came due while others were tried', () => {
  const clock = new ManualClock()
  const context = contextAt(clock)
  context.retry('a')
  clock.pass(LONG_MS)
  context.markRetries()
  context.takeScope()
  context.retry('b')
  clock.pass(LONG_MS)
  context.markRetries()
  context.endScope()
  expect(context.hasRetries).toBe(true)
  expect(context.takeScope()).toMatchObject({ paths: new Map([['b', 'below']]) })
})

it('tries an entry of the base again, wherever the document has it by then', () => {
  const clock = new ManualClock()
  const context = contextAt(clock)
  const entry = {} as BaseEntry
  context.retry(entry)
  clock.pass(LONG_MS)
  context.markRetries()
  expect(context.takeScope()).toEqual({ paths: new Map(), entries: new Set([entry]) })
  context.endScope()
  expect(context.hasRetries).toBe(false)
})
