import { randomBytes, randomInt } from 'node:crypto'
import type { Link } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { CONNECTIONS, linkPair } from './support/people.ts'

/** More with DITTOFS_TEST_ALL=1: what this looks for shows itself once in thousands of connections. */
const KILLS = process.env.DITTOFS_TEST_ALL === '1' ? 1_000 : 100

describe.each(CONNECTIONS)('over $name', ({ connect }) => {
  it(`survives kills at random moments of two-way load, ${KILLS} of them`, { timeout: 600_000 }, async () => {
    for (let kills = 0; kills < KILLS; kills++) {
      const pair = await connect()
      const links = await linkPair(pair)
      const load = links.flatMap((link) => [sendUntilCut(link), readUntilCut(link)])
      for (let turns = randomInt(20); turns > 0; turns--) await new Promise(setImmediate)
      const side = randomInt(2)
      const stream = pair[side] as (typeof pair)[number]
      const link = links[side] as Link
      const how = randomInt(4)
      if (how === 0) link.abort(new Error('killed'))
      else if (how === 1) stream.destroy()
      else if (how === 2) stream.destroy(new Error('killed'))
      else await link.close()
      await Promise.all(load)
      for (const each of links) await each.closed
      expect(pair.every((each) => each.destroyed)).toBe(true)
    }
  })
})

async function sendUntilCut(link: Link): Promise<void> {
  try {
    link.send(Buffer.from('hello'))
    for (;;) {
      const parts = [Buffer.alloc(0), randomBytes(1 + randomInt(40_000)), Buffer.alloc(0)]
      if (!link.send(...parts)) await link.drain()
      else await new Promise(setImmediate)
    }
  } catch (error) {
    expectAnEnd(error)
  }
}

async function readUntilCut(link: Link): Promise<void> {
  try {
    for await (const frame of link.frames()) expect(frame.length).toBeGreaterThan(0)
  } catch (error) {
    expectAnEnd(error)
  }
}

function expectAnEnd(error: unknown): void {
  const isKill = error instanceof Error && error.message === 'killed'
  if (!isKill) expect(['DITTO_LINK_CUT', 'DITTO_CLOSED']).toContain((error as { code: unknown }).code)
}
