import { pseudoRandomBytes } from '@dittofs/testing'
import { MESSAGE_TYPE } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { connect, HOME, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob']

function files(seed: number): Record<string, Uint8Array> {
  const made: Record<string, Uint8Array> = { 'large.bin': pseudoRandomBytes(seed, 1_200_000) }
  for (let i = 0; i < 40; i++) made[`small/${i}.txt`] = pseudoRandomBytes(seed + i + 1, 10 + 97 * i)
  return made
}

describe('a transfer that is cut', () => {
  it('goes on after a cut at any frame, and asks for nothing twice that was stored', async () => {
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write(files(100))
    const total = (await bob.chunks.stats()).bytes
    // Frames of each kind pass one after the other; each attempt gets one frame further.
    const alice = await TestDevice.open('alice', NAMES)
    let contentBytes = 0
    let lostBytes = 0
    let attempts = 0
    for (let isWhole = false; !isWhole; attempts++) {
      let left = attempts
      let isCut = false
      const sessions = connect(alice, bob, {
        onFrame: (payload) => {
          if (payload[0] === MESSAGE_TYPE.chunks) contentBytes += payload.length
          if (left-- > 0) return undefined
          isCut = true
          if (payload[0] === MESSAGE_TYPE.chunks) lostBytes += payload.length
          return 'cut'
        },
      })
      const over = Promise.all(sessions.map((session) => session.ended))
      await Promise.race([over, expect.poll(() => isHere(alice, bob)).toBe(true)])
      isWhole = await isHere(alice, bob)
      if (isCut) await over
    }
    expect(attempts).toBeGreaterThan(10)
    expect(await alice.files()).toEqual(await bob.files())
    // Beside what was lost, chunks travel once; record headers and the frames' own add a little.
    expect(contentBytes).toBeLessThan(total * 1.02 + lostBytes)
  })

  it('goes on after cuts anywhere, in both directions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 25 }), { maxLength: 8 }), fc.nat({ max: 1000 }), async (cuts, seed) => {
        const alice = await TestDevice.open(`alice`, NAMES)
        const bob = await TestDevice.open('bob', NAMES)
        await alice.write({ 'hers.bin': pseudoRandomBytes(seed, 300_000), 'hers.txt': Buffer.from('hers') })
        await bob.write({ 'his.bin': pseudoRandomBytes(seed + 1, 300_000), 'his.txt': Buffer.from('his') })
        for (const cut of cuts) {
          let left = cut
          const sessions = connect(alice, bob, { onFrame: () => (left-- > 0 ? undefined : 'cut') })
          const over = Promise.all(sessions.map((session) => session.ended))
          await Promise.race([over, alice.upToDate()])
          await Promise.all(sessions.map((session) => session.end()))
        }
        connect(alice, bob)
        await Promise.all([alice.upToDate(), bob.upToDate()])
        expect(await alice.files()).toEqual(await bob.files())
        expect(Object.keys(await alice.files())).toHaveLength(4)
        await alice.engine.close()
        await bob.engine.close()
      }),
      { numRuns: 8 },
    )
  })

  it('leaves nothing charged to the memory budget', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    await bob.write(files(200))
    let left = 12
    const sessions = connect(alice, bob, { onFrame: () => (left-- > 0 ? undefined : 'cut') })
    await Promise.all(sessions.map((session) => session.ended))
    await expect.poll(() => alice.engine.transferBytes).toBe(0)
    connect(alice, bob)
    await alice.upToDate()
    expect(alice.engine.transferBytes).toBe(0)
    expect(alice.engine.spaceState(HOME)).toMatchObject({ missingChunks: 0, missingBytes: 0 })
  })
})

async function isHere(alice: TestDevice, bob: TestDevice): Promise<boolean> {
  return (
    Buffer.from(alice.tree().digest()).equals(bob.tree().digest()) &&
    JSON.stringify(await alice.files()) === JSON.stringify(await bob.files())
  )
}
