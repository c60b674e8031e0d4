import { describe, expect, it, onTestFinished } from 'vitest'
import { RawDevice, rawKey, sealedSample } from './support/raw-device.ts'
import { registered, start } from './support/test-parties.ts'
import { testServer } from './support/test-server.ts'

describe('a signaling server', () => {
  it('passes a sealed signal on, says from which key, and tells the sender that it did', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    alice.device.write({ type: 'send', id: 5, to: bob.key.publicKey, sealed: sealedSample() })
    expect(await alice.device.next('sent')).toEqual({ type: 'sent', id: 5 })
    const delivered = await bob.device.next('deliver')
    expect(Buffer.from(delivered.from).toString('hex')).toBe(alice.key.hex)
    expect(Buffer.from(delivered.sealed).equals(sealedSample())).toBe(true)
  })

  it('carries the longest signal there is, and keeps the order of a burst', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    alice.device.write({ type: 'send', id: 0, to: bob.key.publicKey, sealed: sealedSample(16_128 + 48) })
    for (let id = 1; id < 10; id++) {
      alice.device.write({ type: 'send', id, to: bob.key.publicKey, sealed: sealedSample(304 + id) })
    }
    const lengths: number[] = []
    for (let id = 0; id < 10; id++) lengths.push((await bob.device.next('deliver')).sealed.length)
    expect(lengths).toEqual([16_176, 305, 306, 307, 308, 309, 310, 311, 312, 313])
  })

  it('says that nobody is there by a key, before and after its device was', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    alice.device.write({ type: 'send', id: 1, to: rawKey().publicKey, sealed: sealedSample() })
    expect(await alice.device.next('absent')).toEqual({ type: 'absent', id: 1 })
    bob.device.abort()
    await bob.device.closed
    await expect
      .poll(async () => {
        alice.device.write({ type: 'send', id: 2, to: bob.key.publicKey, sealed: sealedSample() })
        return (await alice.device.any()).type
      })
      .toBe('absent')
  })

  it('answers a ping, also one of WebSocket itself', async () => {
    const { device } = await registered(await start())
    device.write({ type: 'ping', nonce: 77 })
    expect(await device.next('pong')).toEqual({ type: 'pong', nonce: 77 })
    const ponged = new Promise((resolve) => device.socket.once('pong', resolve))
    device.socket.ping('x')
    expect(String(await ponged)).toBe('x')
  })

  it('gives a key to its newest connection', async () => {
    const server = await start()
    const alice = await registered(server)
    const older = await registered(server)
    const newer = await registered(server, older.key)
    expect(await older.device.closed).toBe(4001)
    alice.device.write({ type: 'send', id: 1, to: older.key.publicKey, sealed: sealedSample() })
    await newer.device.next('deliver')
  })

  it('skips messages that a later version may bring', async () => {
    const { device } = await registered(await start())
    device.socket.send(Buffer.from('7fa0', 'hex'))
    device.write({ type: 'ping', nonce: 1 })
    await device.next('pong')
  })

  it('sends devices away when it stops', async () => {
    const server = await testServer()
    const { device } = await registered(server)
    await server.close()
    expect(await device.closed).toBe(1001)
  })

  it('says that it is well, and counts what it did', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    alice.device.write({ type: 'send', id: 5, to: bob.key.publicKey, sealed: sealedSample() })
    await alice.device.next('sent')
    const health = await fetch(`${server.url}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    for (const line of [
      'dittofs_signaling_connections 2',
      'dittofs_signaling_registered 2',
      'dittofs_signaling_queued_bytes 0',
      'dittofs_signaling_registrations_total 2',
      'dittofs_signaling_signals_total{result="sent"} 1',
      'dittofs_signaling_sent_bytes_total 304',
    ]) {
      expect(metrics.split('\n')).toContain(line)
    }
    expect(metrics).not.toMatch(/^dittofs_signaling_bus_up \d/m)
    expect((await fetch(`${server.url}/`)).status).toBe(404)
    expect((await fetch(`${server.url}/healthz`, { method: 'POST', body: 'x' })).status).toBe(405)
  })

  it('logs no key, no address in full and nothing of what it carries', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    alice.device.write({ type: 'send', id: 5, to: bob.key.publicKey, sealed: sealedSample() })
    await bob.device.next('deliver')
    await server.close()
    const log = server.logged.join('\n')
    expect(log).toContain('device:register')
    expect(log).toContain(`"key":"${alice.key.hex.slice(0, 8)}"`)
    expect(log).toContain('127.0.0.0/24')
    for (const secret of [alice.key.hex.slice(0, 9), bob.key.hex.slice(0, 9), '127.0.0.1', '0707']) {
      expect(log).not.toContain(secret)
    }
  })
})

describe('the limits of a signaling server', () => {
  it('refuses what a device sends too fast, and passes on again later', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    const send = (id: number) => alice.device.write({ type: 'send', id, to: bob.key.publicKey, sealed: sealedSample() })
    for (let id = 0; id < 100; id++) send(id)
    const answers = []
    for (let id = 0; id < 100; id++) answers.push(await alice.device.any())
    expect(answers.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, id) => ({ type: 'sent', id })))
    const refused = answers.filter(({ type }) => type === 'refused')
    expect(refused[0]).toMatchObject({ reason: 1 })
    // Some more get through while it reads, since time passes.
    expect(refused.length).toBeGreaterThan(20)
    await expect
      .poll(async () => {
        send(100)
        return (await alice.device.any()).type
      })
      .toBe('sent')
  })

  it('refuses more than 64 KiB a second of one key', async () => {
    const server = await start()
    const [alice, bob] = [await registered(server), await registered(server)]
    for (let id = 0; id < 15; id++) {
      alice.device.write({ type: 'send', id, to: bob.key.publicKey, sealed: sealedSample(15_000) })
    }
    const answers = []
    for (let id = 0; id < 15; id++) answers.push(await alice.device.any())
    expect(answers.slice(0, 4).map(({ type }) => type)).toEqual(['sent', 'sent', 'sent', 'sent'])
    expect(answers.find(({ type }) => type === 'refused')).toMatchObject({ reason: 1 })
  })

  it('queues at most 64 signals for a device that does not read', async () => {
    const server = await start({ limits: { messagesPerSecond: 100_000, bytesPerSecond: 1e9 } })
    const [alice, bob] = [await registered(server), await registered(server)]
    bob.device.socket.pause()
    // What the kernel and the sockets buffer comes on top of the queue.
    let id = 0
    let refused = 0
    while (refused === 0 && id < 4000) {
      const from = id
      for (; id < from + 50; id++) {
        alice.device.write({ type: 'send', id, to: bob.key.publicKey, sealed: sealedSample(16_000) })
      }
      for (let i = 0; i < 50; i++) {
        const answer = await alice.device.any()
        if (answer.type === 'refused' && answer.reason === 2) refused++
      }
    }
    expect(refused).toBeGreaterThan(0)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const queued = Number(/^dittofs_signaling_queued_bytes (\d+)$/m.exec(metrics)?.[1])
    expect(queued).toBeGreaterThan(32 * 16_000)
    expect(queued).toBeLessThanOrEqual(65 * 16_100)
    bob.device.socket.resume()
    await bob.device.next('deliver')
    bob.device.abort()
    await expect
      .poll(async () => (await fetch(`${server.url}/metrics`)).text())
      .toContain('\ndittofs_signaling_queued_bytes 0\n')
  })

  it('takes no more registrations from one address than a few a second', async () => {
    const server = await start({ limits: { registrationsPerSecond: 5 } })
    const devices = Array.from({ length: 40 }, () => new RawDevice(server.origin))
    for (const device of devices) onTestFinished(() => device.abort())
    // All have their challenge before the first answers it, so that the answers come at once.
    const nonces = await Promise.all(devices.map(async (device) => (await device.next('challenge')).nonce))
    const startMs = performance.now()
    for (const [at, device] of devices.entries()) device.register(rawKey(), nonces[at] as Uint8Array)
    const taken = await Promise.all(
      devices.map((device) =>
        device.next('registered').then(
          () => true,
          async () => {
            expect(await device.closed).toBe(1013)
            return false
          },
        ),
      ),
    )
    const seconds = (performance.now() - startMs) / 1000
    const count = taken.filter((isTaken) => isTaken).length
    expect(count).toBeGreaterThanOrEqual(5)
    expect(count).toBeLessThanOrEqual(5 + Math.ceil(5 * seconds))
  })

  it('takes no more connections from one address than it may have, and counts those that left no longer', async () => {
    const server = await start({ limits: { connectionsPerAddress: 3 } })
    const first = await registered(server)
    await registered(server)
    await registered(server)
    const fourth = new RawDevice(server.origin)
    expect(await fourth.closed).toBe(1006)
    first.device.abort()
    await expect
      .poll(async () => {
        const device = new RawDevice(server.origin)
        onTestFinished(() => device.abort())
        return device.next('challenge').then(
          () => true,
          () => false,
        )
      })
      .toBe(true)
  })

  it('takes no more connections in all than it may have', async () => {
    const server = await start({ limits: { maxConnections: 2 } })
    await registered(server)
    await registered(server)
    const third = new RawDevice(server.origin)
    const status = await new Promise((resolve) =>
      third.socket.on('unexpected-response', (_, response) => resolve(response.statusCode)),
    )
    expect(status).toBe(503)
  })
})
