import { once } from 'node:events'
import net from 'node:net'
import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { contentOf, namesIn, serve } from './support/serve.ts'

describe('PUT', () => {
  it('makes a file, and then replaces its content while it stays the same node', async () => {
    const { send, volume } = await serve()
    const first = await send('PUT', '/space/a', { body: 'one and more' })
    const before = await volume.lookup(volume.root, 'a')
    const second = await send('PUT', '/space/a', { body: 'two' })
    expect([first.status, second.status]).toEqual([201, 204])
    expect(first.headers.etag).not.toBe(second.headers.etag)
    expect((await send('HEAD', '/space/a')).headers.etag).toBe(second.headers.etag)
    expect(await contentOf(volume, 'a')).toBe('two')
    expect((await volume.lookup(volume.root, 'a')).handle).toBe(before.handle)
  })

  it('is committed before it is answered', async () => {
    const { send, volume } = await serve()
    await send('PUT', '/space/a', { body: 'kept' })
    volume.restart()
    expect(await contentOf(volume, 'a')).toBe('kept')
  })

  it('takes a body in pieces of unknown length, as macOS sends it', async () => {
    const { send, volume } = await serve()
    const headers = { 'transfer-encoding': 'chunked', 'x-expected-entity-length': '5' }
    expect((await send('PUT', '/space/a', { headers, body: 'hello' })).status).toBe(201)
    expect(await contentOf(volume, 'a')).toBe('hello')
  })

  it('refuses early what cannot fit', async () => {
    const { send, volume } = await serve({ volume: memoryVolume({ maxBytes: 2_000_000 }) })
    const announced = { 'transfer-encoding': 'chunked', 'x-expected-entity-length': '5000000' }
    expect((await send('PUT', '/space/a', { headers: announced, body: 'x' })).status).toBe(507)
    expect((await send('PUT', '/space/a', { body: Buffer.alloc(2_000_001) })).status).toBe(507)
    const silent = { 'transfer-encoding': 'chunked' }
    expect((await send('PUT', '/space/a', { headers: silent, body: Buffer.alloc(2_000_001) })).status).toBe(507)
    expect(await namesIn(volume)).toEqual([])
  })

  it('leaves what was there when the upload is cut', async () => {
    const { send, volume, port } = await serve()
    await send('PUT', '/space/a', { body: 'old' })
    for (const name of ['a', 'new']) {
      const socket = net.connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`PUT /space/${name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000000\r\n\r\n`)
      socket.write(Buffer.alloc(2_000_000), () => socket.destroy())
      await once(socket, 'close')
    }
    expect((await send('GET', '/space/a')).text).toBe('old')
    expect(await namesIn(volume)).toEqual(['a'])
  })

  it('asks for a body only after all else was looked at', async () => {
    const { port, volume } = await serve()
    const firstLine = async (name: string) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.write(
        `PUT /space/${name} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
      )
      const [data] = (await once(socket, 'data')) as [Buffer]
      return { line: data.toString().split('\r\n')[0], socket }
    }
    const refused = await firstLine('none/a')
    expect(refused.line).toBe('HTTP/1.1 409 Conflict')
    refused.socket.destroy()
    const { line, socket } = await firstLine('a')
    expect(line).toBe('HTTP/1.1 100 Continue')
    socket.write('ok')
    expect(((await once(socket, 'data')) as [Buffer])[0].toString()).toMatch(/^HTTP\/1.1 201 /)
    socket.destroy()
    expect(await contentOf(volume, 'a')).toBe('ok')
  })

  it('is refused in part, compressed, over a directory, without a directory, and at a link that leads nowhere', async () => {
    const { send, volume } = await serve()
    await volume.makeDirectory(volume.root, 'd', 0o755)
    await volume.makeSymlink(volume.root, 'link', 'none')
    const put = async (path: string, headers = {}) => (await send('PUT', path, { headers, body: 'x' })).status
    expect(await put('/space/a', { 'content-range': 'bytes 0-0/2' })).toBe(400)
    expect(await put('/space/a', { 'content-encoding': 'gzip' })).toBe(415)
    expect(await put('/space/d')).toBe(405)
    expect(await put('/space/none/a')).toBe(409)
    expect(await put('/space/link')).toBe(409)
    expect(await put('/space/.dittofs-a')).toBe(403)
    expect(await put('/space')).toBe(405)
    expect(await put('/')).toBe(403)
    expect(await put('/other/a')).toBe(403)
  })

  it('heeds conditions, so that nobody overwrites what they have not seen', async () => {
    const { send } = await serve()
    const put = async (headers: Record<string, string>) =>
      (await send('PUT', '/space/a', { headers, body: 'x' })).status
    expect(await put({ 'if-match': '*' })).toBe(412)
    expect(await put({ 'if-none-match': '*' })).toBe(201)
    expect(await put({ 'if-none-match': '*' })).toBe(412)
    const { etag } = (await send('HEAD', '/space/a')).headers
    expect(await put({ 'if-match': etag as string })).toBe(204)
    expect(await put({ 'if-match': etag as string })).toBe(412)
    expect(await put({ if: '(["x"])' })).toBe(412)
    expect(await put({ if: '(Not ["x"])' })).toBe(204)
  })

  it('of two at once leaves the whole of one, and lets only one of two create', async () => {
    const { send, volume } = await serve()
    const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(2_000_000))
    const created = await Promise.all(
      bodies.map((body) => send('PUT', '/space/a', { headers: { 'if-none-match': '*' }, body })),
    )
    expect(created.map(({ status }) => status).sort()).toEqual([201, 412, 412])
    const headers = { 'if-match': String((await send('HEAD', '/space/a')).headers.etag) }
    const replaced = await Promise.all(bodies.map((body) => send('PUT', '/space/a', { headers, body })))
    expect(replaced.map(({ status }) => status).sort()).toEqual([204, 412, 412])
    const plain = await Promise.all(bodies.map((body) => send('PUT', '/space/a', { body })))
    expect(plain.map(({ status }) => status)).toEqual([204, 204, 204])
    expect(bodies).toContain((await send('GET', '/space/a')).text)
    expect(await namesIn(volume)).toEqual(['a'])
  })

  it('sets the time that a client sends along', async () => {
    const { send } = await serve()
    const answer = await send('PUT', '/space/a', { headers: { 'x-oc-mtime': '1000000000' }, body: 'x' })
    expect(answer.headers['x-oc-mtime']).toBe('accepted')
    expect((await send('HEAD', '/space/a')).headers['last-modified']).toBe('Sun, 09 Sep 2001 01:46:40 GMT')
  })
})

describe('a file that changes while it is read', () => {
  it('is cut off rather than mixed of two versions', async () => {
    const { send, port, volume } = await serve()
    await send('PUT', '/space/a', { body: Buffer.alloc(24 * 1024 * 1024, 'a') })
    const socket = net.connect(port, '127.0.0.1')
    socket.write('GET /space/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await once(socket, 'readable')
    await send('PUT', '/space/a', { body: Buffer.alloc(24 * 1024 * 1024, 'b') })
    const pieces: Buffer[] = []
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    await once(socket, 'close')
    const all = Buffer.concat(pieces)
    expect(all.length).toBeLessThan(24 * 1024 * 1024)
    expect(all.subarray(all.indexOf('\r\n\r\n')).includes('b')).toBe(false)
    expect((await volume.attributes((await volume.lookup(volume.root, 'a')).handle)).size).toBe(24 * 1024 * 1024)
  })
})

describe('MKCOL', () => {
  it('makes a directory where there is none', async () => {
    const { send, volume } = await serve()
    expect((await send('MKCOL', '/space/d/')).status).toBe(201)
    expect((await send('MKCOL', '/space/d')).status).toBe(405)
    expect((await send('MKCOL', '/space/x/y')).status).toBe(409)
    expect((await send('MKCOL', '/space/z', { body: '<x/>' })).status).toBe(415)
    expect((await send('MKCOL', '/other')).status).toBe(403)
    expect(await namesIn(volume)).toEqual(['d'])
  })
})

describe('DELETE', () => {
  it('removes a file, and a directory with all below', async () => {
    const { send, volume } = await serve()
    await send('MKCOL', '/space/d')
    await send('PUT', '/space/d/a', { body: 'x' })
    await send('PUT', '/space/b', { body: 'x' })
    expect((await send('DELETE', '/space/d', { headers: { depth: '0' } })).status).toBe(400)
    expect((await send('DELETE', '/space/d/')).status).toBe(204)
    expect((await send('DELETE', '/space/b')).status).toBe(204)
    expect((await send('DELETE', '/space/b')).status).toBe(404)
    expect((await send('DELETE', '/space/')).status).toBe(403)
    expect(await namesIn(volume)).toEqual([])
  })

  it('removes a symlink, not what it leads to', async () => {
    const { send, volume } = await serve()
    await send('PUT', '/space/a', { body: 'x' })
    await volume.makeSymlink(volume.root, 'link', 'a')
    expect((await send('DELETE', '/space/link')).status).toBe(204)
    expect(await namesIn(volume)).toEqual(['a'])
  })
})

describe('an export that may only be read', () => {
  it('refuses every change', async () => {
    const volume = memoryVolume()
    await volume.create(volume.root, 'a', { mode: 0o644, rule: 'guarded' })
    const { send } = await serve({ exports: [{ name: 'space', volume, isReadOnly: true }] })
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'PROPPATCH', 'LOCK', 'UNLOCK']) {
      const path = method === 'MKCOL' || method === 'PUT' ? '/space/new' : '/space/a'
      const headers = { destination: '/space/b', 'lock-token': '<a:b>' }
      const body =
        method === 'PROPPATCH'
          ? '<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><a/></d:prop></d:set></d:propertyupdate>'
          : undefined
      const answer = await send(method, path, { headers, ...(body === undefined ? {} : { body }) })
      expect([method, answer.status]).toEqual([method, 403])
    }
    expect((await send('OPTIONS', '/space/')).headers.allow).toBe('OPTIONS, GET, HEAD, PROPFIND')
    expect((await send('GET', '/space/a')).status).toBe(200)
  })
})
