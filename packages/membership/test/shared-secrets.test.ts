import { describe, expect, it } from 'vitest'
import { meetKeys, ticketKeys } from '../src/shared-secrets.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('ticketKeys', () => {
  it('derives what every version derives', () => {
    const keys = ticketKeys(new Uint8Array(16).fill(0x33))
    const { id, knock, find, join } = keys
    expect({ id: hex(id), knock: hex(knock), find: hex(find), join: hex(join) }).toEqual({
      id: '68f062e90a2d3fb998068638f44e7b13',
      knock: '77dae10336ad4b92749590f1f1bb8e0db618a4d059821b99d5d70f16793a33c2',
      find: '5b1663434be6df8ca6959e834b922fe15ab61c3c46ca0a28ccafb49abf544b8a',
      join: 'fef43202fdcf527fb9ceae26a10c834aaebcad1becac03e7c6d4e241278e3880',
    })
  })
})

describe('meetKeys', () => {
  it('derives what every version derives', () => {
    const keys = meetKeys(new Uint8Array(32).fill(0x44))
    expect([hex(keys.knock), hex(keys.find)]).toEqual([
      '2b8ccb83d3704a294f6434b8c525c45521bcfdf47828efa35f0571ed4a527a21',
      'e8095c4b6ca72737803635bdabade78efbb36eac39192438de294d26b4fb962c',
    ])
  })
})
