import { describe, expect, it } from 'vitest'
import { DUPLICATE_LIFETIME_MS, MAX_DUPLICATES } from '../src/limits.ts'
import { DuplicateCache } from '../src/rpc/duplicate-cache.ts'

function counted() {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs }
  const cache = new DuplicateCache(clock)
  let runs = 0
  const ask = (key: string) => cache.answer(key, async () => [Buffer.from(`${runs++}`)])
  return { cache, clock, ask }
}

describe('the duplicate request cache', () => {
  it('keeps a bounded number of answers, and drops the oldest', async () => {
    const { cache, ask } = counted()
    for (let i = 0; i < MAX_DUPLICATES + 50; i++) await ask(`${i}`)
    expect(cache.size).toBe(MAX_DUPLICATES)
    expect(String(await ask(`${MAX_DUPLICATES}`))).toBe(`${MAX_DUPLICATES}`)
    expect(String(await ask('0'))).toBe(`${MAX_DUPLICATES + 50}`)
  })

  it('forgets answers when no client asks for them again any more', async () => {
    const { clock, ask } = counted()
    await ask('a')
    clock.nowMs += DUPLICATE_LIFETIME_MS - 1
    expect(String(await ask('a'))).toBe('0')
    clock.nowMs += 1
    expect(String(await ask('a'))).toBe('1')
  })

  it('forgets what a client has got, but not what still runs', async () => {
    const { cache, ask } = counted()
    await ask('got')
    let finish = (_: Buffer[]): void => undefined
    const running = cache.answer('running', () => new Promise((resolve) => (finish = resolve)))
    cache.forget(['got', 'running', 'never asked'])
    expect(cache.size).toBe(1)
    finish([Buffer.from('late')])
    expect(String(await running)).toBe('late')
  })
})
