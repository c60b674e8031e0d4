import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import type { Link } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { connectionGate } from '../src/index.ts'
import { aliceCalls, bobAnswers } from './support/people.ts'

const isFull = process.env.DITTOFS_TEST_ALL === '1'
const CONNECTION_COUNT = isFull ? 10_000 : 1_000
/** Open at once: each costs this process two file descriptors. */
const OPEN_AT_ONCE = 400
const MAX_GROWTH_BYTES = 40 * 1024 * 1024

const STRANGERS: readonly (readonly [string, (socket: net.Socket) => void])[] = [
  ['silent', () => undefined],
  ['talking garbage', (socket) => socket.write(randomBytes(1024))],
]

describe.each(STRANGERS)(`with ${CONNECTION_COUNT} strangers %s`, (_what, behave) => {
  it('memory stays bounded and a paired device connects within 5 s', { timeout: 120_000 }, async () => {
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

    const before = process.memoryUsage().rss
    const open: net.Socket[] = []
    let paired: Promise<{ link: Link; tookMs: number }> | undefined
    for (let count = 0; count < CONNECTION_COUNT; count++) {
      // Ten addresses of one attacker; the paired device has another.
      const socket = net.connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${count % 10}` })
      socket.on('error', () => undefined)
      socket.on('connect', () => behave(socket))
      socket.resume()
      open.push(socket)
      if (open.length > OPEN_AT_ONCE) {
        const oldest = open.shift() as net.Socket
        if (oldest.connecting) await Promise.race([once(oldest, 'connect'), once(oldest, 'close')])
        oldest.destroy()
      }
      if (count === CONNECTION_COUNT / 2) paired = connectStubbornly(port)
    }
    const { link, tookMs } = await (paired as Promise<{ link: Link; tookMs: number }>)
    const growth = process.memoryUsage().rss - before
    link.abort(new Error('done'))
    for (const each of links) each.abort(new Error('done'))
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
    expect(mostStreams).toBeLessThanOrEqual(64)
    expect(tookMs).toBeLessThan(5000)
    expect(growth).toBeLessThan(MAX_GROWTH_BYTES)
  })
})

/** Dials as the daemon does: refused for want of room, it tries again after 50 to 500 ms. */
async function connectStubbornly(port: number): Promise<{ link: Link; tookMs: number }> {
  const start = performance.now()
  for (;;) {
    try {
      const link = await aliceCalls(net.connect({ port, host: '127.0.0.1', noDelay: true }))
      return { link, tookMs: performance.now() - start }
    } catch (error) {
      if (performance.now() - start > 10_000) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 450))
    }
  }
}
