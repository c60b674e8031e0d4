import { fork } from 'node:child_process'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import type { Link } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { connectionGate } from '../src/index.ts'
import { aliceCalls, bobAnswers } from './support/people.ts'

const CONNECTION_COUNT = process.env.DITTOFS_TEST_ALL === '1' ? 10_000 : 1_000
/** Until the test gives up; a daemon does not. */
const MAX_TRIES = 40
/** Garbage not yet collected: 32 to 49 MB measured, the same for 10,000 strangers and for 40,000. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024

describe.each(['silent', 'garbage'])(`with ${CONNECTION_COUNT} strangers (%s)`, (kind) => {
  it('memory stays bounded and a paired device gets in after a few tries', { timeout: 600_000 }, async () => {
    const gate = connectionGate()
    const links: Link[] = []
    let mostStreams = 0
    const server = net.createServer({ noDelay: true }, (duplex) => {
      const remote = `tcp://${duplex.remoteAddress}:${duplex.remotePort}`
      void bobAnswers(duplex, { gate, remote }).then(
        (link) => links.push(link),
        () => undefined, // a stranger
      )
      mostStreams = Math.max(mostStreams, gate.streams)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    // What links themselves take, code and TLS buffers, is no stranger's doing.
    for (let count = 0; count < 100; count++) (await connectStubbornly(port)).link.abort(new Error('warm'))
    const before = process.memoryUsage().rss
    const strangers = fork(new URL('./support/strangers.mjs', import.meta.url), [
      String(port),
      String(CONNECTION_COUNT),
      kind,
    ])
    let isFlooding = true
    const gone = once(strangers, 'exit').finally(() => {
      isFlooding = false
    })
    await once(server, 'connection')
    let mostTries = 0
    let connects = 0
    while (isFlooding) {
      const { link, tries } = await connectStubbornly(port)
      mostTries = Math.max(mostTries, tries)
      connects++
      link.abort(new Error('done'))
      // The next one comes after some more strangers.
      for (let more = 0; more < 10 && isFlooding; more++) await Promise.race([gone, once(server, 'connection')])
    }
    expect(await gone).toEqual([0, null])
    const growth = process.memoryUsage().rss - before
    for (const each of links) each.abort(new Error('done'))
    server.close()
    await once(server, 'close')
    expect(mostStreams).toBeLessThanOrEqual(64)
    expect(connects).toBeGreaterThan(0)
    // With the pauses between them 5 s at most.
    expect(mostTries).toBeLessThanOrEqual(10)
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES)
  })
})

/** Dials as the daemon does: refused for want of room, it tries again after 50 to 500 ms. */
async function connectStubbornly(port: number): Promise<{ link: Link; tries: number }> {
  for (let tries = 1; ; tries++) {
    try {
      const link = await aliceCalls(net.connect({ port, host: '127.0.0.1', noDelay: true }))
      return { link, tries }
    } catch (error) {
      if (tries === MAX_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 450))
    }
  }
}
