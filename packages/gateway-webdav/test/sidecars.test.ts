import { type MemoryVolume, memoryVolume, volumeSuite } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { SidecarStore } from '../src/sidecar-store.ts'
import { SidecarVolume } from '../src/sidecar-volume.ts'
import { contentOf, namesIn, serve } from './support/serve.ts'

describe('files that a Mac makes beside those of a person', () => {
  it('are held in memory, and never come into the space', async () => {
    const { send, volume } = await serve()
    await send('MKCOL', '/space/d')
    for (const path of ['/space/._a', '/space/d/.DS_Store']) {
      expect((await send('PUT', path, { body: 'mac' })).status).toBe(201)
      expect((await send('PUT', path, { body: 'mac again' })).status).toBe(204)
      expect((await send('GET', path)).text).toBe('mac again')
    }
    expect(await namesIn(volume)).toEqual(['d'])
    expect((await send('PROPFIND', '/space/', { headers: { depth: '1' } })).text).toContain('/space/._a')
    expect((await send('MOVE', '/space/d', { headers: { destination: '/space/e' } })).status).toBe(201)
    expect((await send('GET', '/space/e/.DS_Store')).text).toBe('mac again')
    expect((await send('DELETE', '/space/e')).status).toBe(204)
    expect((await send('DELETE', '/space/._a')).status).toBe(204)
    expect((await send('GET', '/space/._a')).status).toBe(404)
  })

  it('go with the file when a Mac saves by renaming', async () => {
    const { send, volume } = await serve()
    await send('PUT', '/space/._a.tmp', { body: 'mac' })
    const move = async (from: string, to: string) => (await send('MOVE', from, { headers: { destination: to } })).status
    expect(await move('/space/._a.tmp', '/space/._a')).toBe(201)
    expect((await send('GET', '/space/._a')).text).toBe('mac')
    expect((await send('COPY', '/space/._a', { headers: { destination: '/space/._b' } })).status).toBe(201)
    expect(await namesIn(volume)).toEqual([])
    expect(await move('/space/._a', '/space/a')).toBe(201)
    expect(await contentOf(volume, 'a')).toBe('mac')
    expect((await send('GET', '/space/._a')).status).toBe(404)
  })

  it('are shown and changed as any file where the space has them already', async () => {
    const { send, volume } = await serve()
    await volume.create(volume.root, '._old', { mode: 0o644, rule: 'guarded' })
    expect((await send('PUT', '/space/._old', { body: 'x' })).status).toBe(204)
    expect(await contentOf(volume, '._old')).toBe('x')
  })

  it('may be kept in the space, or refused, when it is told so', async () => {
    const keeping = await serve({ sidecars: 'keep' })
    await keeping.send('PUT', '/space/._a', { body: 'mac' })
    expect(await contentOf(keeping.volume, '._a')).toBe('mac')
    const refusing = await serve({ sidecars: 'refuse' })
    expect((await refusing.send('PUT', '/space/.DS_Store', { body: 'mac' })).status).toBe(403)
    expect((await refusing.send('PUT', '/space/.other', { body: 'x' })).status).toBe(201)
    expect((await refusing.send('MOVE', '/space/.other', { headers: { destination: '/space/._b' } })).status).toBe(403)
  })

  it('are limited in size, and the oldest make room for new ones', async () => {
    const store = new SidecarStore(() => 0)
    const volume = memoryVolume()
    const handles = Array.from({ length: 40 }, (_, index) => {
      const { handle } = store.create(volume.root, `._${index}`, 0o644)
      store.write(handle, Buffer.alloc(1024 * 1024), 0)
      return handle
    })
    expect(handles.map((handle) => store.has(handle))).toEqual(handles.map((_, index) => index >= 8))
    expect(() => store.write(handles[39] as never, Buffer.alloc(1), 1024 * 1024)).toThrow(
      expect.objectContaining({ code: 'DITTO_LIMIT' }) as Error,
    )
  })
})

const inner = new WeakMap<SidecarVolume, MemoryVolume>()

volumeSuite('a volume with sidecars in memory', {
  setup: async ({ isReadOnly }) => {
    const volume = memoryVolume({ isReadOnly })
    const outer = new SidecarVolume(volume, new SidecarStore(() => Date.now()))
    inner.set(outer, volume)
    return outer
  },
  teardown: async (volume) => inner.get(volume)?.close(),
  restart: async (volume) => {
    inner.get(volume)?.restart()
    return volume
  },
  close: async (volume) => inner.get(volume)?.close(),
})
