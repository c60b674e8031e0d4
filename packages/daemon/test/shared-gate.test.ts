import { describe, expect, it } from 'vitest'
import { SharedGate } from '../src/shared-gate.ts'

function gateKeeper() {
  const events: string[] = []
  const open: (() => void)[] = []
  const work = (name: string) => async () => {
    events.push(`${name} in`)
    await new Promise<void>((resolve) => open.push(resolve))
    events.push(`${name} out`)
  }
  return { events, work, next: () => open.shift()?.() }
}

describe('SharedGate', () => {
  it('lets sharers in together, and one alone after them and before those who come later', async () => {
    const gate = new SharedGate()
    const { events, work, next } = gateKeeper()
    const all = [gate.share(work('a')), gate.share(work('b'))]
    await new Promise(setImmediate)
    all.push(gate.alone(work('c')), gate.share(work('d')))
    for (let i = 0; i < 4; i++) {
      await new Promise(setImmediate)
      next()
      await new Promise(setImmediate)
    }
    await Promise.all(all)
    expect(events.slice(0, 2)).toEqual(['a in', 'b in'])
    expect(events.slice(-4)).toEqual(['c in', 'c out', 'd in', 'd out'])
  })

  it('is free again after work that failed, and does not begin work that was aborted meanwhile', async () => {
    const gate = new SharedGate()
    await expect(gate.alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(gate.share(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const signal = AbortSignal.abort()
    await expect(gate.alone(async () => 1, { signal })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(gate.share(async () => 1, { signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await gate.alone(async () => 2)).toBe(2)
  })
})
