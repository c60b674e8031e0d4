import { describe, expect, it } from 'vitest'
import { AddressList } from '../src/address-list.ts'

describe('addresses that an export is for', () => {
  it('are single ones and ranges, of both families', () => {
    const list = new AddressList(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32', '::1'])
    for (const address of ['192.0.2.7', '10.255.0.1', '2001:db8:1::5', '::1']) expect(list.has(address)).toBe(true)
    for (const address of ['192.0.2.8', '11.0.0.1', '2001:db9::1', '::2', 'nonsense']) {
      expect(list.has(address)).toBe(false)
    }
  })

  it('are nobody where none is given', () => {
    expect(new AddressList([]).has('127.0.0.1')).toBe(false)
  })

  it('are refused where they are none', () => {
    for (const range of [
      '',
      'localhost',
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0/8',
      '::/129',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
    ]) {
      expect(() => new AddressList([range])).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
    }
  })
})
