import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as sendRequest } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectDevice } from '../../src/control/connect-device.ts'
import { type ControlServer, serveControl } from '../../src/control/serve-control.ts'
import { keepingLogger, scriptedDevice } from './support/scripted-device.ts'
import { serveScripted } from './support/serve-scripted.ts'

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function send(
  socketPath: string,
  options: { method?: string; path: string; headers?: Record<string, string>; body?: string },
): Promise<Answer> {
  const request = sendRequest({ host: 'dittofs', socketPath, agent: false, ...options })
  request.on('error', () => undefined)
  request.end(options.body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let body = ''
  for await (const text of response.setEncoding('utf8')) body += text as string
  return { status: response.statusCode, headers: response.headers, body }
}

const json = { 'content-type': 'application/json' }

async function serveAt(run: string, environment?: NodeJS.ProcessEnv): Promise<ControlServer> {
  const server = await serveControl({
    device: scriptedDevice({}),
    run,
    metrics: async () => '',
    logger: keepingLogger(),
    ...(environment && { environment }),
  })
  onTestFinished(() => server.close())
  return server
}

async function newRun(mode = 0o700): Promise<string> {
  const run = path.join(await temporaryDirectory(), 'run')
  await mkdir(run)
  await chmod(run, mode)
  return run
}

/** A process that leaves a listening socket behind when it is killed. */
async function listenElsewhere(address: string): Promise<ChildProcess> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(address)}, () => console.log('listening'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

describe('the socket', () => {
  it('can be opened by its owner only', async () => {
    const { server } = await serveScripted({})
    const { mode } = await lstat(server.address)
    expect(mode & 0o777).toBe(0o600)
  })

  it('leaves the mask of the process as it was', async () => {
    const before = process.umask()
    await serveScripted({})
    expect(process.umask()).toBe(before)
  })

  it('is gone after close, which may be called twice', async () => {
    const { server, run } = await serveScripted({})
    await Promise.all([server.close(), server.close()])
    expect(await readdir(run)).toEqual([])
  })

  it('of a daemon that died is taken over', async () => {
    const run = await newRun()
    const child = await listenElsewhere(path.join(run, 'control.sock'))
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await expect(connectDevice({ home: path.dirname(run) })).rejects.toMatchObject({ code: 'DITTO_DAEMON_UNREACHABLE' })
    await serveAt(run)
    const client = await connectDevice({ home: path.dirname(run) })
    await client.close()
    expect(client.id).toBe('ALICE-ID')
  })

  it.skipIf(process.platform === 'win32')('stands elsewhere when the path of the home is too long', async () => {
    const home = path.join(await temporaryDirectory(), 'long name '.repeat(12))
    const run = path.join(home, 'run')
    await mkdir(run, { recursive: true, mode: 0o700 })
    const runtime = await temporaryDirectory()
    const server = await serveAt(run, { XDG_RUNTIME_DIR: runtime })
    expect(path.dirname(server.address)).toBe(runtime)
    expect((await lstat(server.address)).mode & 0o777).toBe(0o600)
    const client = await connectDevice({ home })
    await client.close()
    expect(await readFile(path.join(run, 'control-address'), 'utf8')).toBe(server.address)
  })

  it.skipIf(process.platform === 'win32')('avoids a directory of others for that', async () => {
    const run = path.join(await temporaryDirectory(), 'long name '.repeat(12), 'run')
    await mkdir(run, { recursive: true, mode: 0o700 })
    const runtime = await temporaryDirectory()
    await chmod(runtime, 0o777)
    const server = await serveAt(run, { XDG_RUNTIME_DIR: runtime })
    expect(path.dirname(server.address)).not.toBe(runtime)
    expect((await lstat(path.dirname(server.address))).mode & 0o777).toBe(0o700)
  })
})

describe.skipIf(process.platform === 'win32')('the directory around it', () => {
  it('is refused when it is a symlink, by daemon and client', async () => {
    const home = await temporaryDirectory()
    await symlink(await newRun(), path.join(home, 'run'))
    await expect(serveAt(path.join(home, 'run'))).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
    await expect(connectDevice({ home })).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
  })

  it('is refused when it is a file', async () => {
    const home = await temporaryDirectory()
    await writeFile(path.join(home, 'run'), '')
    await expect(connectDevice({ home })).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
  })

  it('is refused by the daemon when others can look in, by the client when others can write', async () => {
    const readable = await newRun(0o755)
    await expect(serveAt(readable)).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
    await expect(connectDevice({ home: path.dirname(readable) })).rejects.toMatchObject({
      code: 'DITTO_DAEMON_UNREACHABLE',
    })
    const writable = await newRun(0o770)
    await expect(connectDevice({ home: path.dirname(writable) })).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
  })
})

describe('no daemon', () => {
  it('is told apart from everything else', async () => {
    const home = path.join(await temporaryDirectory(), 'never used')
    await expect(connectDevice({ home })).rejects.toMatchObject({ code: 'DITTO_DAEMON_UNREACHABLE' })
  })
})

describe('a request', () => {
  it('for health or metrics is answered', async () => {
    const { server } = await serveScripted({})
    const health = await send(server.address, { path: '/health' })
    expect(JSON.parse(health.body)).toEqual({ status: 'ok', version: 1, pid: process.pid, device: { id: 'ALICE-ID' } })
    const metrics = await send(server.address, { path: '/metrics', headers: { host: 'localhost' } })
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(metrics.body).toBe('dittofs_up 1\n')
  })

  it('can be made by hand', async () => {
    const { server } = await serveScripted({ spaces: async () => [] })
    const { status, body } = await send(server.address, {
      method: 'POST',
      path: '/v1/spaces',
      headers: json,
      body: '{}',
    })
    expect(status).toBe(200)
    expect(body).toBe('{"result":[]}\n')
  })

  it.each([
    ['an unknown method', '/v1/explode', '{}', 404],
    ['a property every object has', '/v1/constructor', '{}', 404],
    ['another version', '/v2/status', '{}', 404],
    ['a body that is not JSON', '/v1/status', '{', 400],
    ['a body that is no object', '/v1/status', '[]', 400],
    ['an unknown parameter', '/v1/status', '{"verbose":true}', 400],
    ['a missing parameter', '/v1/move', '{"from":"a"}', 400],
    ['a parameter of the wrong type', '/v1/move', '{"from":"a","to":1}', 400],
    ['a relative local path', '/v1/add', '{"sources":["a"]}', 400],
    ['a chunk ID that is none', '/v1/getChunks', '{"ids":["../x"],"directory":"/","output":"/o"}', 400],
    ['a key that objects inherit', '/v1/status', '{"__proto__":{"signal":1}}', 400],
  ])('with %s is refused', async (_, path, body, expected) => {
    const { server } = await serveScripted({})
    const answer = await send(server.address, { method: 'POST', path, headers: json, body })
    expect(answer.status).toBe(expected)
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { code: expected === 404 ? 'DITTO_NOT_FOUND' : 'DITTO_USAGE' },
    })
  })

  it('on behalf of a page is refused', async () => {
    const { server } = await serveScripted({ spaces: async () => [] })
    const foreign = [{ host: 'example.org' }, { origin: 'http://example.org' }, { 'content-type': 'text/plain' }]
    for (const headers of foreign) {
      const answer = await send(server.address, {
        method: 'POST',
        path: '/v1/spaces',
        headers: { ...json, ...headers },
        body: '{}',
      })
      expect(answer.status).toBe(400)
    }
  })

  it('with a body past the limit is refused before all of it came', async () => {
    const { server } = await serveScripted({})
    const answer = await send(server.address, {
      method: 'POST',
      path: '/v1/renameDevice',
      headers: json,
      body: JSON.stringify({ name: 'x'.repeat(5 * 1024 * 1024) }),
    })
    expect(answer.status).toBe(413)
  })

  it('with headers past the limit, or that is no HTTP, harms nobody', async () => {
    const { server, client } = await serveScripted({ spaces: async () => [] })
    for (const garbage of ['\0\x01\x02 nonsense\r\n\r\n', `GET /health HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`]) {
      const socket = connect(server.address)
      socket.on('error', () => undefined)
      socket.resume()
      socket.write(garbage)
      await once(socket, 'close')
    }
    expect(await client.spaces()).toEqual([])
  })
})

describe('a client that is killed', () => {
  it('ends the work it had asked for', async () => {
    let end = (_: unknown) => {}
    const ended = new Promise<unknown>((resolve) => {
      end = resolve
    })
    let start = () => {}
    const started = new Promise<void>((resolve) => {
      start = resolve
    })
    const { server } = await serveScripted({
      sync: (options) =>
        new Promise((_, reject) => {
          options?.signal?.addEventListener('abort', () => {
            end(options.signal?.reason)
            reject(options.signal?.reason)
          })
          start()
        }),
    })
    const script = `require('node:http').request({ socketPath: process.argv[1], path: '/v1/sync', method: 'POST',
      headers: { host: 'dittofs', 'content-type': 'application/json' } }).end('{}')`
    const child = spawn(process.execPath, ['-e', script, server.address], { stdio: 'inherit' })
    await started
    child.kill('SIGKILL')
    expect(await ended).toMatchObject({ code: 'DITTO_CLOSED' })
  })
})
