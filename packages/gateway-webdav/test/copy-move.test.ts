import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { contentOf, namesIn, serve } from './support/serve.ts'

async function withTree() {
  const volume = memoryVolume()
  const other = memoryVolume()
  const served = await serve({
    volume,
    exports: [
      { name: 'space', volume, isReadOnly: false },
      { name: 'other', volume: other, isReadOnly: false },
    ],
  })
  await served.send('MKCOL', '/space/d')
  await served.send('PUT', '/space/d/a', { body: 'a' })
  await served.send('MKCOL', '/space/d/e')
  await served.send('PUT', '/space/d/e/b', { body: 'b' })
  await served.send('PUT', '/space/f', { body: 'f' })
  const go = async (method: string, from: string, to: string, headers = {}) =>
    (await served.send(method, from, { headers: { destination: to, ...headers } })).status
  return { ...served, volume, other, go }
}

describe.each(['COPY', 'MOVE'])('%s', (method) => {
  const isMove = method === 'MOVE'

  it('brings a file to a new name, and over another file', async () => {
    const { go, volume } = await withTree()
    expect(await go(method, '/space/f', '/space/g')).toBe(201)
    expect(await contentOf(volume, 'g')).toBe('f')
    expect(await namesIn(volume)).toEqual(isMove ? ['d', 'g'] : ['d', 'f', 'g'])
    expect(await go(method, '/space/g', '/space/d/a')).toBe(204)
    expect(await contentOf(volume, 'd', 'a')).toBe('f')
  })

  it('brings a directory with all below to a new name, and over what is there', async () => {
    const { go, volume, send } = await withTree()
    await send('MKCOL', '/space/old')
    await send('PUT', '/space/old/gone', { body: 'x' })
    expect(await go(method, '/space/d/', '/space/old/')).toBe(204)
    expect(await namesIn(volume, 'old')).toEqual(['a', 'e'])
    expect(await contentOf(volume, 'old', 'e', 'b')).toBe('b')
    expect(await go(method, '/space/old', '/space/f')).toBe(204)
    expect(await namesIn(volume, 'f')).toEqual(['a', 'e'])
    expect(await namesIn(volume)).toEqual(isMove ? ['f'] : ['d', 'f', 'old'])
  })

  it('leaves what is there when it may not overwrite', async () => {
    const { go, volume } = await withTree()
    expect(await go(method, '/space/f', '/space/d/a', { overwrite: 'F' })).toBe(412)
    expect(await contentOf(volume, 'd', 'a')).toBe('a')
    expect(await go(method, '/space/f', '/space/new', { overwrite: 'F' })).toBe(201)
  })

  it('goes from one space to another', async () => {
    const { go, volume, other } = await withTree()
    expect(await go(method, '/space/d', '/other/d')).toBe(201)
    expect(await contentOf(other, 'd', 'e', 'b')).toBe('b')
    expect(await namesIn(volume)).toEqual(isMove ? ['f'] : ['d', 'f'])
  })

  it('is refused where it makes no sense', async () => {
    const { go, send, volume } = await withTree()
    expect(await go(method, '/space/f', '/space/f')).toBe(403)
    expect(await go(method, '/space/d', '/space/d/e/d')).toBe(403)
    expect(await go(method, '/space/d/e', '/space/d')).toBe(403)
    expect(await go(method, '/space/d', '/other')).toBe(403)
    expect(await go(method, '/space/f', '/')).toBe(403)
    expect(await go(method, '/space/f', '/none/f')).toBe(403)
    expect(await go(method, '/space/f', '/space/none/f')).toBe(409)
    expect(await go(method, '/space/none', '/space/g')).toBe(404)
    expect(await go(method, '/space/f', 'http://elsewhere/space/g')).toBe(502)
    expect(await go(method, '/space/f', '/space/../g')).toBe(403)
    expect(await go(method, '/space/f', '/space/g', { overwrite: 'maybe' })).toBe(400)
    expect(await go(method, '/space/d', '/space/g', { depth: '1' })).toBe(400)
    expect((await send(method, '/space/f')).status).toBe(400)
    expect(await namesIn(volume)).toEqual(['d', 'f'])
  })
})

describe.each(['COPY', 'MOVE'])('%s by way of a symlink', (method) => {
  it('neither brings a directory into itself nor overwrites what holds the source', async () => {
    const { go, volume } = await withTree()
    await volume.makeSymlink(volume.root, 'alias', 'd')
    await volume.makeSymlink(volume.root, 'here', '.')
    expect(await go(method, '/space/d', '/space/alias/e/d')).toBe(403)
    expect(await go(method, '/space/d', '/space/here/d')).toBe(403)
    expect(await go(method, '/space/alias/e', '/space/d')).toBe(403)
    expect(await go(method, '/space/alias', '/space/d/copy')).toBe(method === 'COPY' ? 403 : 201)
    expect(await namesIn(volume, 'd')).toEqual(method === 'COPY' ? ['a', 'e'] : ['a', 'copy', 'e'])
  })
})

describe('COPY', () => {
  it('with depth 0 makes the directory alone', async () => {
    const { go, volume } = await withTree()
    expect(await go('COPY', '/space/d', '/space/shallow', { depth: '0' })).toBe(201)
    expect(await namesIn(volume, 'shallow')).toEqual([])
  })

  it('keeps symlinks below as symlinks', async () => {
    const { go, volume } = await withTree()
    const { handle } = await volume.lookup(volume.root, 'd')
    await volume.makeSymlink(handle, 'loop', '../d')
    expect(await go('COPY', '/space/d', '/space/c')).toBe(201)
    const copy = await volume.lookup(volume.root, 'c')
    expect(await volume.readLink((await volume.lookup(copy.handle, 'loop')).handle)).toBe('../d')
  })

  it('leaves no half of a copy, and what was at the destination, when there is no space', async () => {
    const volume = memoryVolume({ maxBytes: 1500 })
    const { send } = await serve({
      volume: memoryVolume(),
      exports: [
        { name: 'from', volume: memoryVolume(), isReadOnly: false },
        { name: 'to', volume, isReadOnly: false },
      ],
    })
    await send('MKCOL', '/from/d')
    for (const name of ['a', 'b', 'c']) await send('PUT', `/from/d/${name}`, { body: Buffer.alloc(600) })
    await send('PUT', '/to/d', { body: 'old' })
    expect((await send('COPY', '/from/d', { headers: { destination: '/to/d' } })).status).toBe(507)
    expect(await namesIn(volume)).toEqual(['d'])
    expect(await contentOf(volume, 'd')).toBe('old')
  })
})

describe('MOVE', () => {
  it('keeps the node, so that its history and its properties stay', async () => {
    const { go, volume } = await withTree()
    const before = await volume.lookup(volume.root, 'f')
    await go('MOVE', '/space/f', '/space/d/a')
    const { handle } = await volume.lookup(volume.root, 'd')
    expect((await volume.lookup(handle, 'a')).handle).toBe(before.handle)
  })

  it('moves a symlink itself', async () => {
    const { go, volume } = await withTree()
    await volume.makeSymlink(volume.root, 'link', 'f')
    expect(await go('MOVE', '/space/link', '/space/link2')).toBe(201)
    expect(await namesIn(volume)).toEqual(['d', 'f', 'link2'])
  })
})
