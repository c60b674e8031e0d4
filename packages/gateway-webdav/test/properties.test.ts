import { once } from 'node:events'
import net from 'node:net'
import { settle } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { memoryDeadProperties } from '../src/index.ts'
import { textOf } from '../src/xml-element.ts'
import { parseMultistatus } from './support/multistatus.ts'
import { type Served, serve } from './support/serve.ts'

async function find(served: Pick<Served, 'send'>, path: string, inner?: string, depth = '0') {
  const body = inner === undefined ? undefined : `<D:propfind xmlns:D="DAV:">${inner}</D:propfind>`
  const answer = await served.send('PROPFIND', path, { headers: { depth }, ...(body === undefined ? {} : { body }) })
  expect([answer.status, answer.text.slice(0, 5)]).toEqual([207, '<?xml'])
  return parseMultistatus(answer.text)
}

async function patch(served: Pick<Served, 'send'>, path: string, inner: string) {
  const body = `<D:propertyupdate xmlns:D="DAV:" xmlns:W="urn:schemas-microsoft-com:">${inner}</D:propertyupdate>`
  const answer = await served.send('PROPPATCH', path, { body })
  expect(answer.status).toBe(207)
  return parseMultistatus(answer.text)[0]?.properties ?? {}
}

const set = (inner: string) => `<D:set><D:prop>${inner}</D:prop></D:set>`
const drop = (inner: string) => `<D:remove><D:prop>${inner}</D:prop></D:remove>`

async function withFile() {
  const served = await serve()
  await served.send('PUT', '/space/a.txt', { body: 'hello' })
  return served
}

describe('PROPFIND', () => {
  it('tells of a file and of a directory what RFC 4918 names', async () => {
    const served = await withFile()
    const [file] = await find(served, '/space/a.txt')
    const live = file?.properties[200]
    expect(textOf(live?.get('getcontentlength') as never)).toBe('5')
    expect(textOf(live?.get('getcontenttype') as never)).toBe('text/plain; charset=utf-8')
    expect(textOf(live?.get('displayname') as never)).toBe('a.txt')
    expect(textOf(live?.get('getetag') as never)).toBe((await served.send('HEAD', '/space/a.txt')).headers.etag)
    expect(textOf(live?.get('creationdate') as never)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(live?.get('resourcetype')?.children).toEqual([])
    expect(live?.get('supportedlock')?.children).toHaveLength(2)
    expect(live?.has('quota-used-bytes')).toBe(false)
    const [directory] = await find(served, '/space/')
    expect(directory).toMatchObject({ href: '/space/' })
    expect(directory?.properties[200]?.get('resourcetype')?.children).toMatchObject([{ name: 'collection' }])
    expect(directory?.properties[200]?.has('getcontentlength')).toBe(false)
  })

  it('tells names alone, some alone, and some beside all', async () => {
    const served = await withFile()
    const [names] = await find(served, '/space/a.txt', '<D:propname/>')
    expect([...(names?.properties[200]?.values() ?? [])].every(({ children }) => children.length === 0)).toBe(true)
    expect(names?.properties[200]?.has('getetag')).toBe(true)
    const [some] = await find(served, '/space/a.txt', '<D:prop><D:getcontentlength/><x xmlns="y:"/></D:prop>')
    expect([...(some?.properties[200]?.keys() ?? [])]).toEqual(['getcontentlength'])
    expect(some?.properties[404]?.get('x')?.namespace).toBe('y:')
    const [all] = await find(served, '/space/', '<D:allprop/><D:include><D:quota-used-bytes/><D:none/></D:include>')
    expect(textOf(all?.properties[200]?.get('quota-used-bytes') as never)).toBe('5')
    expect([...(all?.properties[404]?.keys() ?? [])]).toEqual(['none'])
  })

  it('tells the quota of a directory', async () => {
    const served = await withFile()
    const inner = '<D:prop><D:quota-used-bytes/><D:quota-available-bytes/></D:prop>'
    const [found] = await find(served, '/space/', inner)
    expect(Number(textOf(found?.properties[200]?.get('quota-available-bytes') as never))).toBeGreaterThan(1000)
  })

  it('goes as deep as it is told, from the list of spaces down', async () => {
    const served = await withFile()
    await served.send('MKCOL', '/space/d')
    await served.send('PUT', '/space/d/b', { body: 'x' })
    const hrefs = async (path: string, depth: string) =>
      (await find(served, path, '<D:propname/>', depth)).map(({ href }) => href).sort()
    expect(await hrefs('/space', '1')).toEqual(['/space/', '/space/a.txt', '/space/d/'])
    expect(await hrefs('/space/', 'infinity')).toEqual(['/space/', '/space/a.txt', '/space/d/', '/space/d/b'])
    expect(await hrefs('/', '1')).toEqual(['/', '/space/'])
    expect(await hrefs('/', 'infinity')).toHaveLength(5)
    expect((await served.send('PROPFIND', '/space/', { headers: { depth: '2' } })).status).toBe(400)
    expect((await served.send('PROPFIND', '/space/none')).status).toBe(404)
  })

  it('names symlinks as what they lead to, and never walks in circles', async () => {
    const served = await withFile()
    const { handle } = await served.volume.makeDirectory(served.volume.root, 'd', 0o755)
    await served.volume.makeSymlink(handle, 'circle', '..')
    await served.volume.makeSymlink(handle, 'none', 'none')
    const all = await find(served, '/space/', '<D:prop><D:resourcetype/></D:prop>', 'infinity')
    expect(all.map(({ href }) => href).sort()).toEqual(['/space/', '/space/a.txt', '/space/d/', '/space/d/circle/'])
  })

  it('is answered no faster than it is read', async () => {
    const { volume, port } = await serve()
    const directories = 60_000
    let listed = 0
    // A volume without an end to its listing, which tells how far it was asked.
    volume.readDirectory = async (_directory, { after, limit }) => {
      const attributes = await volume.attributes(volume.root)
      const entries = Array.from({ length: limit }, (_, index) => {
        const cookie = after + BigInt(index) + 1n
        return {
          name: `${cookie} ${'x'.repeat(200)}`,
          handle: volume.root,
          attributes: { ...attributes, kind: 'file' as const },
          cookie,
        }
      })
      listed += limit
      return { entries, isEnd: listed >= directories }
    }
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    socket.write('PROPFIND /space/ HTTP/1.1\r\nHost: 127.0.0.1\r\nDepth: infinity\r\n\r\n')
    await once(socket, 'readable')
    // It stands still once the buffers on the way are full: some megabytes of sixty.
    for (let before = -1; before !== listed; ) {
      before = listed
      await settle(200)
    }
    expect(listed).toBeLessThan(directories / 2)
    const stoodAt = listed
    socket.resume()
    await expect.poll(() => listed).toBeGreaterThan(stoodAt)
    socket.destroy()
  })

  it.each([
    '<a/>',
    '<D:propfind xmlns:D="DAV:"/>',
    '<D:propfind xmlns:D="DAV:"><D:prop/><D:allprop/></D:propfind>',
    '<',
    '<!DOCTYPE a><a/>',
  ])('is refused with %s', async (body) => {
    const { send } = await serve()
    expect((await send('PROPFIND', '/space/', { body })).status).toBe(400)
  })

  it('is refused with a body too long to be one', async () => {
    const { send } = await serve()
    expect((await send('PROPFIND', '/space/', { body: ' '.repeat(300_000) })).status).toBe(413)
    const headers = { 'transfer-encoding': 'chunked' }
    expect((await send('PROPFIND', '/space/', { headers, body: ' '.repeat(300_000) })).status).toBe(413)
  })
})

describe('PROPPATCH', () => {
  it('keeps properties of any namespace as they came, through moves and copies', async () => {
    const served = await withFile()
    const value = '<p:v xmlns:p="z:" p:a="1">t <b xmlns=""/></p:v>'
    const done = await patch(
      served,
      '/space/a.txt',
      set(`<author xmlns="x:" xml:lang="de">${value}</author><x xmlns=""/>`),
    )
    expect([...(done[200]?.keys() ?? [])]).toEqual(['author', 'x'])
    await served.send('COPY', '/space/a.txt', { headers: { destination: '/space/copy' } })
    await served.send('MOVE', '/space/a.txt', { headers: { destination: '/space/moved' } })
    for (const path of ['/space/copy', '/space/moved']) {
      const [found] = await find(served, path, '<D:prop><author xmlns="x:"/><x xmlns=""/></D:prop>')
      expect(found?.properties[200]?.get('author')).toMatchObject({
        language: 'de',
        children: [{ namespace: 'z:', attributes: [{ name: 'a', value: '1' }], children: ['t ', { namespace: '' }] }],
      })
      expect(found?.properties[200]?.has('x')).toBe(true)
    }
  })

  it('does its steps in order', async () => {
    const served = await withFile()
    await patch(
      served,
      '/space/a.txt',
      `${set('<a xmlns="x:">1</a>')}${drop('<a xmlns="x:"/>')}${set('<b xmlns="x:">2</b>')}`,
    )
    const [found] = await find(served, '/space/a.txt', '<D:prop><a xmlns="x:"/><b xmlns="x:"/></D:prop>')
    expect([...(found?.properties[404]?.keys() ?? [])]).toEqual(['a'])
    expect([...(found?.properties[200]?.keys() ?? [])]).toEqual(['b'])
  })

  it('does all of them or none', async () => {
    const served = await withFile()
    const done = await patch(served, '/space/a.txt', set('<a xmlns="x:">1</a><D:getetag>"x"</D:getetag>'))
    expect([...(done[403]?.keys() ?? [])]).toEqual(['getetag'])
    expect([...(done[424]?.keys() ?? [])]).toEqual(['a'])
    const [found] = await find(served, '/space/a.txt', '<D:prop><a xmlns="x:"/></D:prop>')
    expect(found?.properties[404]?.has('a')).toBe(true)
  })

  it('changes nothing when there is no room for the properties', async () => {
    const served = await withFile()
    const before = (await served.send('HEAD', '/space/a.txt')).headers['last-modified']
    const time = '<W:Win32LastModifiedTime>Sun, 09 Sep 2001 01:46:40 GMT</W:Win32LastModifiedTime>'
    const done = await patch(served, '/space/a.txt', set(`${time}<a xmlns="x:">${'x'.repeat(70_000)}</a>`))
    expect([...(done[507]?.keys() ?? [])]).toEqual(['Win32LastModifiedTime', 'a'])
    expect((await served.send('HEAD', '/space/a.txt')).headers['last-modified']).toBe(before)
  })

  it('sets the times that Windows sets after a copy', async () => {
    const served = await withFile()
    const time = 'Sun, 09 Sep 2001 01:46:40 GMT'
    await patch(
      served,
      '/space/a.txt',
      set(
        `<W:Win32CreationTime>${time}</W:Win32CreationTime><W:Win32LastModifiedTime>${time}</W:Win32LastModifiedTime><W:Win32FileAttributes>00000020</W:Win32FileAttributes>`,
      ),
    )
    expect((await served.send('HEAD', '/space/a.txt')).headers['last-modified']).toBe(time)
    const [found] = await find(
      served,
      '/space/a.txt',
      '<D:prop><W:Win32FileAttributes xmlns:W="urn:schemas-microsoft-com:"/></D:prop>',
    )
    expect(textOf(found?.properties[200]?.get('Win32FileAttributes') as never)).toBe('00000020')
  })

  it('sets what davfs2 and rclone set: whether a program may run, and the time', async () => {
    const served = await withFile()
    const executable = '<executable xmlns="http://apache.org/dav/props/">T</executable>'
    await patch(served, '/space/a.txt', set(`${executable}<D:getlastmodified>2001-09-09T01:46:40Z</D:getlastmodified>`))
    const { attributes } = await served.volume.lookup(served.volume.root, 'a.txt')
    expect(attributes).toMatchObject({ mode: 0o755, mtimeNs: 1_000_000_000_000_000_000n })
    expect(
      Object.keys(await patch(served, '/space/a.txt', set('<D:getlastmodified>today</D:getlastmodified>'))),
    ).toEqual(['409'])
  })

  it('leaves the entity tag that a PUT was answered with as it is', async () => {
    const served = await serve()
    const put = await served.send('PUT', '/space/a.txt', { body: 'hello' })
    const etag = put.headers.etag as string
    await patch(served, '/space/a.txt', set('<executable xmlns="http://apache.org/dav/props/">T</executable>'))
    await patch(served, '/space/a.txt', set('<D:getlastmodified>2001-09-09T01:46:40Z</D:getlastmodified>'))
    expect((await served.send('HEAD', '/space/a.txt')).headers.etag).toBe(etag)
    const again = await served.send('PUT', '/space/a.txt', { body: 'again', headers: { 'if-match': etag } })
    expect(again.status).toBe(204)
    expect(again.headers.etag).not.toBe(etag)
  })

  it('lets a display name be chosen, and given back', async () => {
    const served = await withFile()
    const name = async () => {
      const [found] = await find(served, '/space/a.txt', '<D:prop><D:displayname/></D:prop>')
      return textOf(found?.properties[200]?.get('displayname') as never)
    }
    await patch(served, '/space/a.txt', set('<D:displayname>A &amp; B</D:displayname>'))
    expect(await name()).toBe('A & B')
    await patch(served, '/space/a.txt', drop('<D:displayname/>'))
    expect(await name()).toBe('a.txt')
  })
})

describe('dead properties of what is removed with its directory', () => {
  it.each([
    ['DELETE', {}],
    ['MOVE', { destination: '/space/d', overwrite: 'T' }],
  ])('are gone after a %s', async (method, headers) => {
    const properties = memoryDeadProperties()
    const served = await serve({ deadProperties: () => properties })
    const { volume } = served
    for (const path of ['/space/d', '/space/d/e', '/space/other']) await served.send('MKCOL', path)
    await served.send('PUT', '/space/d/e/f', { body: 'text' })
    for (const path of ['/space/d/e', '/space/d/e/f']) await patch(served, path, set('<x xmlns="x:">1</x>'))
    const d = await volume.lookup(volume.root, 'd')
    const e = await volume.lookup(d.handle, 'e')
    const f = await volume.lookup(e.handle, 'f')
    expect((await properties.getMany([e.handle, f.handle])).map((one) => one.length)).toEqual([1, 1])
    const target = method === 'MOVE' ? '/space/other' : '/space/d'
    expect((await served.send(method, target, { headers })).status).toBe(204)
    expect(await properties.getMany([e.handle, f.handle])).toEqual([[], []])
  })
})
