import { deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { DialTable } from '../../src/connector/dial-table.ts'

const BOB = deviceKey.parse('b'.repeat(64))
const ADDRESS = 'tcp://192.0.2.7:4100'
const FAILED_AT = 10_000

function failedJustNow(): DialTable {
  const table = new DialTable(() => 1)
  table.setRemembered(BOB, [ADDRESS], [], 0)
  const [target] = table.targets()
  table.began(target!, FAILED_AT)
  table.failed(target!.id, 'Nobody answers.', FAILED_AT)
  return table
}

describe('a place that could not be reached a moment ago', () => {
  it('is tried again within half a second when the network is another one or a person asks', () => {
    const table = failedJustNow()
    table.restartAll(FAILED_AT, () => false)
    const [target] = table.targets()
    expect(target!.nextAt).toBeGreaterThanOrEqual(FAILED_AT + 250)
    expect(target!.nextAt).toBeLessThanOrEqual(FAILED_AT + 500)
  })

  it('has a pause of a second when there is news of it, which anybody may make up', () => {
    const table = failedJustNow()
    table.setRemembered(BOB, ['tcp://192.0.2.8:4100'], [], FAILED_AT)
    table.lost(BOB, FAILED_AT)
    const [target] = table.targets()
    expect(target!.nextAt).toBe(FAILED_AT + 1000)
  })
})
