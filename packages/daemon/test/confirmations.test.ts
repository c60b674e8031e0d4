import { type DeviceKey, deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { Confirmations } from '../src/pairing/confirmations.ts'

const keyOf = (digit: string): DeviceKey => deviceKey.parse(digit.repeat(64))
const forever = () => ({ signal: new AbortController().signal })
const newcomer = (digit: string, digits: string) => ({ ticketId: 't', key: keyOf(digit), name: digit, digits })

describe('Confirmations', () => {
  it('lets in whom a person named by its digits, and nobody else who has the ticket', async () => {
    const confirmations = new Confirmations(() => {})
    const mallory = confirmations.ask(newcomer('a', '111111'), forever())
    const bob = confirmations.ask(newcomer('b', '222222'), forever())
    expect(confirmations.waiting('t').map(({ name, digits }) => `${name} ${digits}`)).toEqual(['a 111111', 'b 222222'])
    expect(() => confirmations.confirm('t', '333333')).toThrowError(
      expect.objectContaining({ code: 'DITTO_NOT_FOUND' }),
    )
    expect(() => confirmations.confirm('u', '222222')).toThrowError(
      expect.objectContaining({ code: 'DITTO_NOT_FOUND' }),
    )
    expect(confirmations.confirm('t', '222222')).toMatchObject({ name: 'b', digits: '222222' })
    expect([await mallory, await bob]).toEqual(['taken', 'yes'])
    expect(confirmations.waiting('t')).toEqual([])
  })

  it('sends away all that wait with a ticket', async () => {
    const confirmations = new Confirmations(() => {})
    const waiting = confirmations.ask(newcomer('a', '111111'), forever())
    confirmations.decline('t')
    expect(await waiting).toBe('no')
  })

  it('forgets who went away, and tells of each change', async () => {
    let changes = 0
    const confirmations = new Confirmations(() => changes++)
    const over = new AbortController()
    const waiting = confirmations.ask(newcomer('a', '111111'), { signal: over.signal })
    over.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(confirmations.waiting('t')).toEqual([])
    expect(changes).toBe(2)
  })

  it('lets four wait with one ticket', () => {
    const confirmations = new Confirmations(() => {})
    for (let i = 0; i < 4; i++) void confirmations.ask(newcomer('a', `${i}`), forever())
    expect(() => confirmations.ask(newcomer('b', '5'), forever())).toThrowError(
      expect.objectContaining({ code: 'DITTO_LIMIT' }),
    )
  })
})
