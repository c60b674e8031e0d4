import { pseudoRandomBytes, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { connect, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob']
const BYTES = 3_000_000
const RATE = 300_000
/** Ten seconds of the limited rate take half a second. */
const SPEED = 20

describe('a limit of what content is transferred at', () => {
  for (const side of ['upload', 'download'] as const) {
    it(`is kept by the side that has it: ${side}`, async () => {
      const clock = turnClock(SPEED)
      const limits = { upload: () => undefined, download: () => undefined, [side]: () => RATE }
      const [aliceLimits, bobLimits] = side === 'download' ? [limits, undefined] : [undefined, limits]
      const bob = await TestDevice.open('bob', NAMES, { clock, ...(bobLimits && { limits: bobLimits }) })
      await bob.write({ 'large.bin': pseudoRandomBytes(20, BYTES) })
      const alice = await TestDevice.open('alice', NAMES, { clock, ...(aliceLimits && { limits: aliceLimits }) })
      const begun = clock.monotonic()
      connect(alice, bob)
      await alice.upToDate()
      const seconds = (clock.monotonic() - begun) / 1000
      expect(await alice.files()).toEqual(await bob.files())
      // What is let through last need not be waited for: at most a request, or a frame.
      expect(seconds).toBeGreaterThan((BYTES - 1_100_000) / RATE)
    })
  }
})
