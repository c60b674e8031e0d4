import { describe, expect, it } from 'vitest'
import { meetKeys, ticketKeys } from '../src/shared-secrets.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('ticketKeys', () => {
  it('derives what every version derives', () => {
    const keys = ticketKeys(new Uint8Array(16).fill(0x33))
    const { id, knock, find, join } = keys
    expect({ id: hex(id), knock: hex(knock), find: hex(find), join: hex(join) }).toEqual({
      id: '5a9eca7c926434ced1053d38e02edf97',
      knock: '717c84cb49911bd2175aa61b534f7e5c7f96661306ca2812408e3db9c8767836',
      find: '83a65f73cf2d33957741e0e2e2df75a41a247f5006f8921dc5698aafd33e93f6',
      join: 'e77879fa5a46ce24df054090dd358135110dc521f93522fa145bf4be10ff6e0d',
    })
  })
})

describe('meetKeys', () => {
  it('derives what every version derives', () => {
    const keys = meetKeys(new Uint8Array(32).fill(0x44))
    expect([hex(keys.knock), hex(keys.find)]).toEqual([
      '3907b87b71aba366e1f7e1100c46f5f7907368f2aa567ae8b2bd45f5a9b51092',
      '14ae68d1ab15897f626882d7f5c7bd9ad0fedc0e4f3b5cfb1fa9c57bd3a4b594',
    ])
  })
})
