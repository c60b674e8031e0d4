import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import https from 'node:https'
import net from 'node:net'
import path from 'node:path'
import { type Clock, DittoError, systemClock, type VolumeExport } from '@dittofs/interface'
import { memoryVolume, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fixedCredentials, webdavGateway } from '../src/index.ts'
import { send, serve } from './support/serve.ts'

const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` })
const verify = fixedCredentials({ users: { alice: 'secret' }, tokens: { 'a-token': 'phone' } })

describe('credentials', () => {
  it('are asked for, and taken as a password or a token', async () => {
    const { send } = await serve({ verify, isLoopbackOpen: false })
    const refused = await send('GET', '/space/')
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toMatch(/^Basic realm="DittoFS".*Bearer/)
    const get = async (headers: Record<string, string>) => (await send('GET', '/space/', { headers })).status
    expect(await get(basic('alice', 'secret'))).toBe(200)
    expect(await get({ authorization: 'bearer a-token' })).toBe(200)
    expect(await get(basic('alice', 'secrets'))).toBe(401)
    expect(await get(basic('bob', 'secret'))).toBe(401)
    expect(await get({ authorization: 'Bearer secret' })).toBe(401)
    expect(await get({ authorization: 'Digest x' })).toBe(401)
    expect(await get({ authorization: `Basic ${btoa('alice')}` })).toBe(401)
  })

  it('that are wrong too often have to wait, even if the next ones are right', async () => {
    let nowMs = 0
    const clock: Clock = {
      now: () => nowMs,
      monotonic: () => nowMs,
      sleep: (ms, given) => systemClock.sleep(ms, given),
    }
    const { send } = await serve({ verify, isLoopbackOpen: false, clock })
    const get = async (password: string) => send('GET', '/space/', { headers: basic('alice', password) })
    for (let index = 0; index < 10; index += 1) expect((await get(`${index}`)).status).toBe(401)
    expect(await get('secret')).toMatchObject({ status: 429, headers: { 'retry-after': '3' } })
    nowMs += 3001
    expect((await get('secret')).status).toBe(200)
  })

  it('are not needed on this machine when it was told so, and wrong ones are refused there too', async () => {
    const { send } = await serve({ verify, isLoopbackOpen: true })
    expect((await send('GET', '/space/')).status).toBe(200)
    expect((await send('GET', '/space/', { headers: basic('alice', 'wrong') })).status).toBe(401)
  })
})

describe('a gateway that nobody could use, or everybody could listen to', () => {
  const served = (given: Partial<VolumeExport> = {}) => ({
    name: 's',
    volume: memoryVolume(),
    isReadOnly: false,
    ...given,
  })

  it.each([
    ['without credentials', {}],
    ['with passwords in the clear', { verify, host: '0.0.0.0' }],
    ['with a name twice', { isLoopbackOpen: true, exports: [served(), served()] }],
    ['with a name that is a path', { isLoopbackOpen: true, exports: [served({ name: 'a/b' })] }],
    [
      'with an address that is none',
      { isLoopbackOpen: true, exports: [served({ allowedAddresses: ['10.0.0.0/33'] })] },
    ],
  ])('is not made: %s', (_what, init) => {
    const make = () => webdavGateway({ exports: [served()], spoolDirectory: '/nowhere', ...init })
    expect(make).toThrow(expect.objectContaining({ code: 'DITTO_CONFIG_INVALID' }) as Error)
  })
})

describe('a page of another site', () => {
  it('cannot reach it under a name of its own that points here', async () => {
    const { send, port } = await serve({ hostNames: ['nas.example'] })
    const get = async (host: string) => (await send('GET', '/space/', { headers: { host } })).status
    expect(await get(`evil.example:${port}`)).toBe(421)
    expect(await get('127.0.0.1.evil.example')).toBe(421)
    expect(await get('bad host')).toBe(400)
    for (const host of ['localhost', `localhost:${port}`, '[::1]:80', '192.168.1.2', 'NAS.example:80'])
      expect(await get(host)).toBe(200)
  })

  it('cannot reach it by a request of its own', async () => {
    const { send } = await serve()
    const headers = { host: 'localhost', origin: 'https://evil.example' }
    expect((await send('DELETE', '/space/a', { headers })).status).toBe(403)
    expect((await send('GET', '/space/', { headers: { ...headers, origin: 'http://localhost' } })).status).toBe(200)
    expect((await send('GET', '/space/', { headers: { ...headers, origin: 'null' } })).status).toBe(403)
  })
})

describe('an export with allowed addresses', () => {
  it('is there for them alone', async () => {
    const shut = {
      name: 'shut',
      volume: memoryVolume(),
      isReadOnly: false,
      allowedAddresses: ['10.0.0.0/8', 'fe80::/10'],
    }
    const open = { name: 'open', volume: memoryVolume(), isReadOnly: false, allowedAddresses: ['127.0.0.0/8'] }
    const { send } = await serve({ exports: [shut, open] })
    expect((await send('GET', '/shut/')).status).toBe(403)
    expect((await send('GET', '/open/')).status).toBe(200)
    const page = await send('GET', '/')
    expect([page.text.includes('shut'), page.text.includes('open')]).toEqual([false, true])
    await send('PUT', '/open/a', { body: 'x' })
    expect((await send('COPY', '/open/a', { headers: { destination: '/shut/a' } })).status).toBe(403)
  })
})

const MIB = 1024 * 1024

describe('connections', () => {
  it('are limited, in total and for each address, and those refused are closed', async () => {
    const { gateway, port } = await serve({ maxConnectionsPerAddress: 3 })
    const sockets = Array.from({ length: 8 }, () => net.connect(port, '127.0.0.1'))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    await Promise.all(sockets.slice(3).map((socket) => once(socket, 'close')))
    expect(gateway.connections).toBe(3)
  })

  it('on which nothing moves are ended', async () => {
    const { gateway, port, volume } = await serve({ idleTimeoutMs: 150 })
    // Not over the gateway, to which a busy machine may be too slow.
    const { handle } = await volume.create(volume.root, 'a', { mode: 0o644, rule: 'guarded' })
    for (let offset = 0; offset < 32 * MIB; offset += MIB) {
      await volume.write(handle, Buffer.alloc(MIB), { offset, isStable: true })
    }
    const begins = [
      '',
      'GET /sp',
      'PUT /space/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc',
      'GET /space/a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    ]
    for (const begin of begins) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(begin)
    }
    await expect.poll(() => gateway.connections).toBe(0)
  })

  it('on which many requests are sent at once are answered in order, up to a number of them', async () => {
    const { port } = await serve()
    const request = (method: string, path: string, more = '') =>
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
    const answers = async (text: string) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      const pieces: Buffer[] = []
      socket.on('data', (piece: Buffer) => pieces.push(piece))
      socket.write(text)
      await once(socket, 'close')
      return Buffer.concat(pieces)
        .toString()
        .match(/HTTP\/1.1 \d+/g)
    }
    const inOrder = request('MKCOL', '/space/d') + request('MKCOL', '/space/d/e') + request('DELETE', '/space/d')
    expect(await answers(inOrder + request('GET', '/space/d', 'Connection: close\r\n'))).toEqual(
      [201, 201, 204, 404].map((status) => `HTTP/1.1 ${status}`),
    )
    expect((await answers(request('PROPFIND', '/space/').repeat(400)))?.length ?? 0).toBeLessThan(20)
  })

  it('with a request that is none get an answer, and are ended', async () => {
    const { port } = await serve()
    for (const [text, status] of [
      ['\x16\x03\x01\x02\x00', 400],
      [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 400],
    ] as const) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(text)
      const [data] = (await once(socket, 'data')) as [Buffer]
      expect(data.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      socket.destroy()
    }
  })
})

describe('serve and stop', () => {
  it('end all connections, finish what came in whole, and free the port', async () => {
    const { gateway, port, volume } = await serve()
    expect(gateway).toMatchObject({ protocol: 'webdav', address: { host: '127.0.0.1', port } })
    const idle = net.connect(port, '127.0.0.1')
    await once(idle, 'connect')
    const closed = once(idle, 'close')
    let release: () => void = () => {}
    const create = volume.createWithContent.bind(volume)
    const reached = new Promise<void>((resolve) => {
      volume.createWithContent = async (...call) => {
        resolve()
        await new Promise<void>((go) => {
          release = go
        })
        return create(...call)
      }
    })
    const cut = expect(send(port, 'PUT', '/space/a', { body: 'kept' })).rejects.toThrow()
    await reached
    const stopped = gateway.stop()
    await Promise.all([closed, cut])
    release()
    await stopped
    await gateway.stop()
    volume.restart()
    const { handle } = await volume.lookup(volume.root, 'a')
    expect(Buffer.from((await volume.read(handle, { offset: 0, length: 9 })).bytes).toString()).toBe('kept')
    expect(gateway.address).toBeUndefined()
    await expect(gateway.serve()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    await expect(send(port, 'GET', '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('says when another program has the port', async () => {
    const { port } = await serve()
    await expect(serve({ port })).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
  })

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)(
    'may be over TLS, where openssl can make a certificate',
    async () => {
      const directory = await temporaryDirectory()
      const [key, cert] = [path.join(directory, 'key'), path.join(directory, 'cert')]
      const args = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
      ]
      execFileSync('openssl', [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], {
        stdio: 'ignore',
      })
      const tls = { key: await readFile(key), cert: await readFile(cert) }
      const { port } = await serve({ tls, verify, isLoopbackOpen: false })
      const request = https.get({
        host: '127.0.0.1',
        port,
        path: '/space/',
        headers: basic('alice', 'secret'),
        ca: tls.cert,
        agent: false,
      })
      const [response] = (await once(request, 'response')) as [{ statusCode: number; resume: () => void }]
      response.resume()
      expect(response.statusCode).toBe(200)
    },
  )
})

describe('an error inside', () => {
  it('is logged here, and told without a word of what it was', async () => {
    const logged: unknown[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (fields: object) => logged.push(fields) }
    const { send, volume } = await serve({ logger })
    volume.find = async () => {
      throw new DittoError('DITTO_IO', 'cannot read /home/alice/secret')
    }
    const answer = await send('GET', '/space/a')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('alice')
    expect(logged).toHaveLength(1)
  })
})
