import { describe, expect, it } from 'vitest'
import { Gate } from '../src/gate.ts'

describe('Gate', () => {
  it('lets the next one in, in order, when somebody leaves', async () => {
    const gate = new Gate(1)
    const order: string[] = []
    const leave = await gate.enter()
    const second = gate.enter().then((next) => {
      order.push('second')
      next()
    })
    const third = gate.enter().then(() => order.push('third'))
    leave()
    leave()
    await Promise.all([second, third])
    expect(order).toEqual(['second', 'third'])
  })

  it('forgets those who gave up waiting', async () => {
    const gate = new Gate(1)
    const leave = await gate.enter()
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const waiting = gate.enter({ signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    leave()
    await expect(gate.enter()).resolves.toBeTypeOf('function')
  })
})
