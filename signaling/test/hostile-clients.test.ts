import { connect } from 'node:net'
import { encodeSignalingMessage } from '@dittofs/wire'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { RawDevice, rawKey, sealedSample } from './support/raw-device.ts'
import { registered, start, stranger } from './support/test-parties.ts'
import { type TestServer, testServer } from './support/test-server.ts'

/** That a server still does its work. */
async function expectWorking(server: TestServer): Promise<void> {
  const [alice, bob] = [await registered(server), await registered(server)]
  alice.device.write({ type: 'send', id: 1, to: bob.key.publicKey, sealed: sealedSample() })
  await bob.device.next('deliver')
}

/** What the server answers to these bytes, until it ends the connection. */
function rawAnswer(server: TestServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes))
    onTestFinished(() => void socket.destroy())
    socket.on('data', (data: Buffer) => {
      answer += data.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })
}

describe('a device that is not who it says', () => {
  it('is not registered with a signature over another nonce', async () => {
    const server = await start()
    const device = stranger(server)
    await device.next('challenge')
    device.register(rawKey(), new Uint8Array(32))
    expect(await device.closed).toBe(1008)
    await expectWorking(server)
  })

  it('is not registered by the key of another', async () => {
    const server = await start()
    const victim = await registered(server)
    const device = stranger(server)
    const { nonce } = await device.next('challenge')
    device.register({ ...victim.key, sign: (bytes) => rawKey().sign(bytes) }, nonce)
    expect(await device.closed).toBe(1008)
    victim.device.write({ type: 'ping', nonce: 1 })
    await victim.device.next('pong')
  })

  it('is not registered with a signature that was made for another server', async () => {
    const server = await start()
    const device = stranger(server)
    device.register(rawKey(), (await device.next('challenge')).nonce, 'wss://signal.example.org')
    expect(await device.closed).toBe(1008)
  })

  it('is not registered by a name that the server was not given', async () => {
    const server = await start({ origins: ['wss://signal.example.org'] })
    const wrong = stranger(server)
    wrong.register(rawKey(), (await wrong.next('challenge')).nonce)
    expect(await wrong.closed).toBe(1008)
    const right = stranger(server)
    right.register(rawKey(), (await right.next('challenge')).nonce, 'wss://signal.example.org')
    await right.next('registered')
  })

  it.each([
    ['no key', new Uint8Array(32).fill(0xff)],
    ['the neutral element', new Uint8Array(32).fill(1, 0, 1)],
  ])('is not registered by %s', async (_, publicKey) => {
    const server = await start()
    const device = stranger(server)
    const { nonce } = await device.next('challenge')
    // The neutral element and a signature of it and zero satisfies the bare equation for every message.
    const signature = new Uint8Array(64)
    signature[0] = 1
    device.register({ publicKey, hex: '', sign: () => signature }, nonce)
    expect(await device.closed).toBe(1008)
  })

  it('registers once for each connection', async () => {
    const server = await start()
    const { device } = await registered(server)
    device.register(rawKey(), new Uint8Array(32))
    expect(await device.closed).toBe(1002)
  })
})

describe('a client that does not keep to the protocol', () => {
  const frames: [string, Buffer | string][] = [
    ['nothing', Buffer.alloc(0)],
    ['text', 'hello'],
    ['half a message', Buffer.from('02a3', 'hex')],
    ['a message that only a server sends', Buffer.from(encodeSignalingMessage({ type: 'registered' }))],
    [
      'a signal that is too short to be sealed',
      Buffer.from(`10a36269640162746f5820${'11'.repeat(32)}667365616c656441ff`, 'hex'),
    ],
  ]
  it.each(frames)('is sent away before it is registered: %s', async (_, frame) => {
    const server = await start()
    const device = stranger(server)
    await device.next('challenge')
    device.socket.send(frame)
    expect(await device.closed).toBe(1002)
  })

  it.each(frames)('is sent away once it is registered: %s', async (_, frame) => {
    const server = await start()
    const { device } = await registered(server)
    device.socket.send(frame)
    expect(await device.closed).toBe(1002)
  })

  it('is sent away with a frame that is too long', async () => {
    const server = await start()
    const { device } = await registered(server)
    device.socket.send(Buffer.alloc(16 * 1024 + 1, 0x10))
    expect([1002, 1006, 1009]).toContain(await device.closed)
    await expectWorking(server)
  })

  it('is sent away for a frame in many parts', async () => {
    const server = await start()
    const { device } = await registered(server)
    for (let part = 0; part < 100; part++) device.socket.send(Buffer.of(1), { fin: false, binary: true })
    expect([1002, 1006, 1008]).toContain(await device.closed)
    await expectWorking(server)
  })

  it('is sent away when it floods, with messages or with pings of WebSocket', async () => {
    const server = await start()
    const bob = await registered(server)
    for (const flood of [
      (device: RawDevice) => device.write({ type: 'send', id: 1, to: bob.key.publicKey, sealed: sealedSample() }),
      (device: RawDevice) => device.write({ type: 'ping', nonce: 1 }),
      (device: RawDevice) => device.socket.ping(),
    ]) {
      const { device } = await registered(server)
      for (let i = 0; i < 1000; i++) flood(device)
      expect(await device.closed).toBe(1008)
    }
    await expectWorking(server)
  })

  it('cannot end the server with any frame', async () => {
    const server = await start()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (frame, isRegistered) => {
        const device = isRegistered ? (await registered(server)).device : stranger(server)
        if (!isRegistered) await device.next('challenge')
        device.socket.send(frame)
        device.socket.close()
        await device.closed
      }),
      { numRuns: 60 },
    )
    await expectWorking(server)
  })

  it.each([
    ['another path', 'GET /other HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', '404'],
    ['no subprotocol', 'GET /signal HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', '426'],
    [
      'a key that is none',
      'GET /signal HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Protocol: dittofs-signaling.v1\r\n\r\n',
      '400',
    ],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', '400'],
    ['long headers', `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`, '431'],
  ])('is refused for %s', async (_, bytes, status) => {
    const server = await start()
    expect(await rawAnswer(server, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status}`))
  })
})

describe('a client that keeps the server waiting', () => {
  it('is sent away when it does not register in time', async () => {
    const server = await start({ limits: { registrationTimeoutMs: 100 } })
    const device = stranger(server)
    await device.next('challenge')
    expect(await device.closed).toBe(1008)
  })

  it('is cut off when it does not finish its request, or sends none', async () => {
    const server = await start({ limits: { requestTimeoutMs: 200 } })
    const drip = rawAnswer(server, 'GET /signal HTTP/1.1\r\nHost: a\r\nX: ')
    const silence = rawAnswer(server, '')
    expect(await drip).toMatch(/^HTTP\/1.1 408/)
    await silence
  })

  it('cannot keep others out by waiting: a random one that waits has to go', async () => {
    const server = await start({ limits: { maxUnregistered: 10 } })
    const strangers = Array.from({ length: 30 }, () => stranger(server))
    await Promise.all(
      strangers.slice(0, 10).map((device) => Promise.race([device.any().catch(() => undefined), device.closed])),
    )
    let wasIn = false
    for (let attempt = 0; attempt < 5 && !wasIn; attempt++) {
      wasIn = await registered(server).then(
        () => true,
        () => false,
      )
    }
    expect(wasIn).toBe(true)
  })

  it('is dead after a while of silence', async () => {
    const server = await start({ limits: { silenceMs: 10 } })
    const { device } = await registered(server)
    expect(await device.closed).toBe(1001)
  })

  it('is not waited for when the server stops', async () => {
    const server = await testServer()
    const { device } = await registered(server)
    device.socket.pause()
    await server.close()
    device.abort()
  })
})

describe('addresses behind a proxy', () => {
  it('are counted apart where the proxy is trusted', async () => {
    const server = await start({ trustedProxies: ['127.0.0.1'], limits: { connectionsPerAddress: 1 } })
    const from = (address: string) => {
      const device = new RawDevice(server.origin, { headers: { 'X-Forwarded-For': address } })
      onTestFinished(() => device.abort())
      return device
    }
    await from('192.0.2.1').next('challenge')
    await from('192.0.2.2').next('challenge')
    await from('2001:db8::1').next('challenge')
    expect(await from('192.0.2.1').closed).toBe(1006)
    expect(await from('2001:db8::2').closed).toBe(1006)
    expect(await from('192.0.2.99, 192.0.2.2').closed).toBe(1006)
  })

  it('are not believed of anybody else', async () => {
    const server = await start({ limits: { connectionsPerAddress: 1 } })
    const first = new WebSocket(`${server.origin}/signal`, 'dittofs-signaling.v1', {
      headers: { 'X-Forwarded-For': '192.0.2.1' },
    })
    onTestFinished(() => first.terminate())
    await new Promise((resolve) => first.once('open', resolve))
    const second = new RawDevice(server.origin, { headers: { 'X-Forwarded-For': '192.0.2.2' } })
    expect(await second.closed).toBe(1006)
  })
})
