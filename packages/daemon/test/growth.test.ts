import { type DeviceKey, deviceKey, spaceId, systemClock } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { Level } from 'level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { accepted, grownBytes, growthLimit, growthLimits, NO_GROWTH, withStored } from '../src/limits/growth.ts'
import { GrowthBrake } from '../src/limits/growth-brake.ts'

const HOUR_MS = 3_600_000
const GIB = 1024 ** 3
const SPACE = spaceId.parse('5a'.repeat(32))
const [SELF, ALICE, BOB, STRANGER] = ['01', '02', '03', '04'].map((byte) => deviceKey.parse(byte.repeat(32))) as [
  DeviceKey,
  DeviceKey,
  DeviceKey,
  DeviceKey,
]

describe('growth', () => {
  it('is what came within a day', () => {
    let growth = withStored(NO_GROWTH, 5, 0)
    growth = withStored(growth, 7, 30 * 60_000)
    growth = withStored(growth, 11, 3 * HOUR_MS)
    expect(growth.hours).toHaveLength(2)
    expect(grownBytes(growth, 23 * HOUR_MS)).toBe(23)
    expect(grownBytes(growth, 24 * HOUR_MS)).toBe(11)
    expect(withStored(growth, 1, 40 * HOUR_MS).hours).toEqual([[40, 1]])
  })

  it('counts on when the clock falls back', () => {
    const growth = withStored(withStored(NO_GROWTH, 5, 1000 * HOUR_MS), 7, 2 * HOUR_MS)
    expect(grownBytes(growth, 2 * HOUR_MS)).toBe(12)
  })

  it('does not count what a person agreed to, until that has come', () => {
    const growth = withStored(accepted(100), 130, 0)
    expect(growth.acceptedBytes).toBe(0)
    expect(grownBytes(growth, 0)).toBe(30)
  })
})

describe('the limit', () => {
  const both = growthLimits({ growth_limit: '10 GiB', growth_share: 25 })

  it('is the smaller of a size and a share of what was free', () => {
    expect(growthLimit(both, 0, 1000 * GIB)).toBe(10 * GIB)
    expect(growthLimit(both, 0, 20 * GIB)).toBe(5 * GIB)
    // 3 GiB have come: 20 were free.
    expect(growthLimit(both, 3 * GIB, 17 * GIB)).toBe(5 * GIB)
    expect(growthLimit(both, 0, Number.POSITIVE_INFINITY)).toBe(10 * GIB)
  })

  it('is none where both are switched off', () => {
    const none = growthLimits({ growth_limit: '0', growth_share: 0 })
    expect(growthLimit(none, 5 * GIB, GIB)).toBe(Number.POSITIVE_INFINITY)
    expect(growthLimit(growthLimits({ growth_limit: '0', growth_share: 25 }), 0, 20 * GIB)).toBe(5 * GIB)
    expect(growthLimit(growthLimits({ growth_limit: '1 GiB', growth_share: 0 }), 0, 0)).toBe(GIB)
  })
})

describe('the brake', () => {
  async function openBrake(init: { directory?: string; limit?: number | undefined; members?: DeviceKey[] } = {}) {
    const directory = init.directory ?? (await temporaryDirectory())
    const database = new Level(directory)
    let isOpen = true
    const held: (DeviceKey | undefined)[] = []
    const brake = await GrowthBrake.open({
      database,
      limits: { bytes: 'limit' in init ? init.limit : 1000, freeShare: undefined },
      clock: systemClock,
      onHeld: (_, author) => held.push(author),
      onFailure: (error) => {
        throw error
      },
    })
    const close = async () => {
      if (!isOpen) return
      isOpen = false
      await brake.close()
      await database.close()
    }
    onTestFinished(close)
    const { members = [SELF, ALICE, BOB] } = init
    const growth = brake.of({
      ...{ space: SPACE, self: SELF, freeBytes: () => 1e12 },
      isMember: (device) => members.includes(device),
    })
    const rows = () => database.sublevel<string, object>('growth', { valueEncoding: 'json' }).values().all()
    return { brake, growth: growth as NonNullable<typeof growth>, held, close, directory, rows }
  }

  it('holds one device back, and no other', async () => {
    const { brake, growth, held } = await openBrake()
    expect(growth.take(ALICE, 900)).toBe(true)
    expect(growth.take(ALICE, 200)).toBe(false)
    expect(growth.take(ALICE, 1)).toBe(false)
    expect(growth.take(BOB, 1000)).toBe(true)
    expect(growth.take(SELF, 1e9)).toBe(true)
    expect(held).toEqual([ALICE])
    growth.settle(ALICE, 900, 890)
    expect(brake.waiting(SPACE)).toEqual([{ author: ALICE, waitingBytes: 201, grownBytes: 890 }])
  })

  it('does not count what did not come', async () => {
    const { growth } = await openBrake()
    expect(growth.take(ALICE, 900)).toBe(true)
    growth.settle(ALICE, 900, 0)
    expect(growth.take(ALICE, 900)).toBe(true)
  })

  it('takes all devices that are no members for one', async () => {
    const { brake, growth } = await openBrake({ members: [SELF] })
    expect(growth.take(ALICE, 600)).toBe(true)
    expect(growth.take(STRANGER, 600)).toBe(false)
    expect(brake.waiting(SPACE)).toEqual([{ author: undefined, waitingBytes: 600, grownBytes: 0 }])
  })

  it('lets come what waited once a person agrees, and counts what follows anew', async () => {
    const { brake, growth } = await openBrake()
    growth.take(ALICE, 900)
    growth.settle(ALICE, 900, 900)
    expect(growth.take(ALICE, 5000)).toBe(false)
    expect(await brake.accept(SPACE)).toEqual([{ author: ALICE, waitingBytes: 5000, grownBytes: 900 }])
    expect(growth.take(ALICE, 5000)).toBe(true)
    growth.settle(ALICE, 5000, 5000)
    expect(growth.take(ALICE, 1000)).toBe(true)
    expect(growth.take(ALICE, 1)).toBe(false)
  })

  it('gives no leave for later by what was agreed to and was less in the end', async () => {
    const { brake, growth } = await openBrake()
    growth.take(ALICE, 5000)
    await brake.accept(SPACE)
    growth.take(ALICE, 400)
    growth.settle(ALICE, 400, 400)
    growth.nothingMissing()
    expect(growth.take(ALICE, 1001)).toBe(false)
  })

  it('counts anew what waits, and lets go once nothing does', async () => {
    const { brake, growth } = await openBrake()
    growth.take(ALICE, 5000)
    growth.beginWalk()
    expect(growth.waits(ALICE, 3000)).toBe(true)
    expect(brake.waiting(SPACE)).toMatchObject([{ waitingBytes: 5000 }])
    growth.endWalk()
    expect(brake.waiting(SPACE)).toMatchObject([{ waitingBytes: 3000 }])
    growth.beginWalk()
    growth.endWalk()
    expect(brake.waiting(SPACE)).toEqual([])
    expect(growth.waits(ALICE, 1)).toBe(false)
    expect(growth.take(ALICE, 1000)).toBe(true)
  })

  it('holds on after a restart', async () => {
    const before = await openBrake()
    before.growth.take(ALICE, 900)
    before.growth.settle(ALICE, 900, 900)
    before.growth.take(BOB, 700)
    before.growth.settle(BOB, 700, 700)
    before.growth.take(ALICE, 5000)
    await before.close()
    const after = await openBrake({ directory: before.directory })
    expect(after.brake.waiting(SPACE)).toEqual([{ author: ALICE, waitingBytes: 5000, grownBytes: 900 }])
    expect(after.growth.take(ALICE, 1)).toBe(false)
    expect(after.growth.take(BOB, 301)).toBe(false)
  })

  it('is written down at once when it holds', async () => {
    const { growth, brake, rows } = await openBrake()
    growth.take(ALICE, 900)
    growth.settle(ALICE, 900, 900)
    growth.take(ALICE, 5000)
    await expect.poll(() => rows()).toMatchObject([{ growth: { isHeld: true } }])
    expect(brake.waiting(SPACE)).toHaveLength(1)
  })

  it('is not there where no limit is', async () => {
    expect((await openBrake({ limit: undefined })).growth).toBeUndefined()
  })
})
