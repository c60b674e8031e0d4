import { describe, expect, it } from 'vitest'
import { FirstOf } from '../../src/connector/first-of.ts'

describe('FirstOf', () => {
  it('keeps the first success, aborts the others and drops what comes late', async () => {
    const dropped: string[] = []
    const first = new FirstOf<string>((late) => void dropped.push(late))
    void first.start('failing', () => Promise.reject(new Error('nobody there')))
    void first.start('slow', async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      return 'slow'
    })
    void first.start('fast', async () => {
      await new Promise(setImmediate)
      return 'fast'
    })
    await first.settled()
    await first.start('too late', () => Promise.reject(new Error('must not run')))
    expect(first.winner).toEqual({ result: 'fast' })
    expect(dropped).toEqual(['slow'])
    expect([...first.failures.keys()]).toEqual(['failing'])
  })

  it('has no winner once it was stopped', async () => {
    const first = new FirstOf<string>(() => undefined)
    const ended = first.start('late', async () => 'late')
    first.stop()
    await ended
    expect(first.winner).toBeUndefined()
  })
})
