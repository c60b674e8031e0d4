import { systemClock } from '@dittofs/interface'
import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { NFS3 } from '../src/nfs/nfs-status.ts'
import { served } from './nfs-fixture.ts'

const UNCHECKED = 0
const GUARDED = 1
const EXCLUSIVE = 2

describe('CREATE', () => {
  it('makes a file of the mode asked for, and tells of the directory before and after', async () => {
    const { client, root } = await served()
    const before = await client.getAttributes(root)
    const made = await client.create(root, 'a.txt', UNCHECKED, { mode: 0o4640 })
    expect(made).toMatchObject({ status: 0, attributes: { type: 1, mode: 0o640, size: 0n, uid: 501, gid: 502 } })
    expect(made.consistency.before?.ctimeNs).toBe(before.attributes?.ctimeNs)
    expect(made.consistency.after).toEqual((await client.getAttributes(root)).attributes)
    expect(await client.lookup(root, 'a.txt')).toMatchObject({ status: 0, attributes: made.attributes })
  })

  it('unchecked takes a file that is there as it is, but for the size asked for', async () => {
    const { client, root } = await served()
    const first = await client.create(root, 'a', UNCHECKED, { mode: 0o600 })
    await client.write(first.handle, 0n, Buffer.from('hello'))
    const same = await client.create(root, 'a', UNCHECKED, { mode: 0o666 })
    expect(same).toMatchObject({ status: 0, attributes: { mode: 0o600, size: 5n } })
    expect(same.handle).toEqual(first.handle)
    const cut = await client.create(root, 'a', UNCHECKED, { size: 0n })
    expect(cut).toMatchObject({ status: 0, attributes: { mode: 0o600, size: 0n } })
  })

  it('guarded refuses a name that is taken', async () => {
    const { client, root } = await served()
    expect(await client.create(root, 'a', GUARDED, {})).toMatchObject({ status: 0, attributes: { mode: 0o644 } })
    const again = await client.create(root, 'a', GUARDED, {})
    expect(again.status).toBe(NFS3.exists)
    expect(again.consistency.after).toBeDefined()
  })

  it('exclusive knows its own file by the verifier, and no other', async () => {
    const { client, root } = await served()
    const verifier = Buffer.from('12345678')
    const made = await client.create(root, 'a', EXCLUSIVE, verifier)
    expect(made.status).toBe(0)
    expect(await client.create(root, 'a', EXCLUSIVE, verifier)).toMatchObject({ status: 0, handle: made.handle })
    expect(await client.create(root, 'a', EXCLUSIVE, Buffer.from('87654321'))).toMatchObject({ status: NFS3.exists })
  })

  it('refuses a directory as a file, and a file as the directory', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', UNCHECKED, {})
    await client.makeDirectory(root, 'd')
    expect((await client.create(root, 'd', UNCHECKED, {})).status).toBe(NFS3.isDirectory)
    expect((await client.create(handle, 'x', UNCHECKED, {})).status).toBe(NFS3.notDirectory)
  })

  it.each([
    ['..', NFS3.invalid],
    ['.', NFS3.invalid],
    ['', NFS3.invalid],
    ['a/b', NFS3.invalid],
    ['a\0b', NFS3.invalid],
    ['../../etc/passwd', NFS3.invalid],
    ['x'.repeat(256), NFS3.nameTooLong],
    [Buffer.from([0x61, 0xff, 0xfe]), NFS3.invalid],
  ])('refuses the name %j', async (name, status) => {
    const { client, root } = await served()
    expect((await client.create(root, name, UNCHECKED, {})).status).toBe(status)
    const listing = await client.readDirectory(root, 0n, 4096)
    expect(listing.entries.map((entry) => entry.name)).toEqual(['.', '..'])
  })
})

describe('MKDIR, SYMLINK, MKNOD, LINK', () => {
  it('MKDIR makes a directory, of mode 0755 where none is given', async () => {
    const { client, root } = await served()
    const made = await client.makeDirectory(root, 'd')
    expect(made).toMatchObject({ status: 0, attributes: { type: 2, mode: 0o755 } })
    expect((await client.makeDirectory(root, 'd')).status).toBe(NFS3.exists)
    expect((await client.makeDirectory(made.handle, 'e', { mode: 0o700 })).attributes?.mode).toBe(0o700)
  })

  it('SYMLINK keeps its target as it is, wherever it leads', async () => {
    const { client, root } = await served()
    const made = await client.makeSymlink(root, 'l', '../../outside/ä')
    expect(made).toMatchObject({ status: 0, attributes: { type: 5, mode: 0o777, size: 16n } })
    expect(await client.readLink(made.handle)).toMatchObject({ status: 0, target: '../../outside/ä' })
    expect((await client.makeSymlink(root, 'm', Buffer.from([0xff]))).status).toBe(NFS3.invalid)
    const file = await client.create(root, 'f', UNCHECKED, {})
    expect((await client.readLink(file.handle)).status).toBe(NFS3.invalid)
  })

  it('MKNOD refuses special files as not supported, and other types as wrong', async () => {
    const { client, root } = await served()
    for (const type of [3, 4, 6, 7]) expect((await client.makeNode(root, 'n', type)).status).toBe(NFS3.notSupported)
    for (const type of [1, 2, 5, 99]) expect((await client.makeNode(root, 'n', type)).status).toBe(NFS3.badType)
  })

  it('LINK is not supported', async () => {
    const { client, root } = await served()
    const file = await client.create(root, 'f', UNCHECKED, {})
    expect((await client.link(file.handle, root, 'g')).status).toBe(NFS3.notSupported)
  })
})

describe('LOOKUP', () => {
  it('finds names, itself and what is above, and nothing above the root', async () => {
    const { client, root } = await served()
    const directory = await client.makeDirectory(root, 'd')
    expect((await client.lookup(directory.handle, '..')).handle).toEqual(root)
    expect((await client.lookup(directory.handle, '.')).handle).toEqual(directory.handle)
    expect((await client.lookup(root, '..')).handle).toEqual(root)
    const missing = await client.lookup(root, 'nothing')
    expect(missing.status).toBe(NFS3.noEntry)
    expect(missing.directory).toMatchObject({ type: 2 })
  })

  it('says that a file is no directory', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', UNCHECKED, {})
    for (const name of ['x', '.', '..']) expect((await client.lookup(handle, name)).status).toBe(NFS3.notDirectory)
  })
})

describe('REMOVE, RMDIR, RENAME', () => {
  it('remove files and empty directories, and tell of the directory', async () => {
    const { client, root } = await served()
    const file = await client.create(root, 'f', UNCHECKED, {})
    const directory = await client.makeDirectory(root, 'd')
    await client.create(directory.handle, 'x', UNCHECKED, {})
    expect((await client.remove(root, 'd')).status).toBe(NFS3.isDirectory)
    expect((await client.remove(root, 'd', 'RMDIR')).status).toBe(NFS3.notEmpty)
    expect((await client.remove(root, 'f', 'RMDIR')).status).toBe(NFS3.notDirectory)
    const removed = await client.remove(root, 'f')
    expect(removed.status).toBe(0)
    expect(removed.consistency.after!.mtimeNs).toBeGreaterThanOrEqual(removed.consistency.before!.mtimeNs)
    expect((await client.remove(root, 'f')).status).toBe(NFS3.noEntry)
    expect((await client.getAttributes(file.handle)).status).toBe(NFS3.stale)
    await client.remove(directory.handle, 'x')
    expect((await client.remove(root, 'd', 'RMDIR')).status).toBe(0)
  })

  it('keep the handle of what is renamed, and tell of both directories', async () => {
    const { client, root } = await served()
    const directory = await client.makeDirectory(root, 'd')
    const file = await client.create(root, 'f', UNCHECKED, {})
    const renamed = await client.rename(root, 'f', directory.handle, 'g')
    expect(renamed.status).toBe(0)
    expect(renamed.from.after).toEqual((await client.getAttributes(root)).attributes)
    expect(renamed.to.after).toEqual((await client.getAttributes(directory.handle)).attributes)
    expect((await client.lookup(directory.handle, 'g')).handle).toEqual(file.handle)
    expect((await client.rename(root, 'f', root, 'h')).status).toBe(NFS3.noEntry)
    expect((await client.rename(root, 'd', directory.handle, 'd')).status).toBe(NFS3.invalid)
  })

  it('rename nothing from one export into another', async () => {
    const volume = memoryVolume()
    const other = memoryVolume()
    const exports = [
      { name: 'space', volume, isReadOnly: false },
      { name: 'other', volume: other, isReadOnly: false },
    ]
    const { client, root } = await served({ exports })
    await client.create(root, 'f', UNCHECKED, {})
    const { handle } = await client.mount('/other')
    expect((await client.rename(root, 'f', handle, 'f')).status).toBe(NFS3.crossDevice)
  })
})

describe('weak cache consistency', () => {
  it('tells the attributes after a change also where the volume takes its time over it', async () => {
    let nowMs = Date.now()
    const clock = { ...systemClock, now: () => ++nowMs }
    const { client, root, volume } = await served({}, { volume: memoryVolume({ clock }) })
    const create = volume.create.bind(volume)
    volume.create = async (...args) => {
      await new Promise((resolve) => setImmediate(resolve))
      return create(...args)
    }
    const made = []
    for (const name of ['a', 'b', 'c', 'd']) made.push(await client.create(root, name, GUARDED, {}))
    for (const [i, { consistency }] of made.entries()) {
      expect(consistency.after!.mtimeNs).toBeGreaterThan(consistency.before!.mtimeNs)
      if (i > 0) expect(consistency.before?.mtimeNs).toBe(made[i - 1]!.consistency.after!.mtimeNs)
    }
  })

  it('says of a directory changed by several at once nothing that would hide one of them', async () => {
    const { client, root, volume } = await served()
    const create = volume.create.bind(volume)
    let isHeld = 4
    let release: () => void = () => undefined
    const all = new Promise<void>((resolve) => {
      release = resolve
    })
    volume.create = async (...args) => {
      if (--isHeld === 0) release()
      await all
      return create(...args)
    }
    const made = await Promise.all(['a', 'b', 'c', 'd'].map((name) => client.create(root, name, GUARDED, {})))
    for (const { consistency } of made) expect(consistency.before).toBeUndefined()
    const { attributes } = await client.getAttributes(root)
    expect((await client.create(root, 'e', GUARDED, {})).consistency.before?.ctimeNs).toBe(attributes?.ctimeNs)
  })

  it('shows each of many writes sent at once what the one before it left', async () => {
    const { client, root } = await served()
    const names = Array.from({ length: 40 }, (_, i) => `f${i}`)
    const made = await Promise.all(names.map((name) => client.create(root, name, GUARDED, {})))
    const file = made[0]!.handle
    const writes = await Promise.all(names.map((_, i) => client.write(file, BigInt(i * 10), Buffer.alloc(10))))
    for (const [i, { consistency }] of writes.entries()) {
      expect(consistency.before?.size).toBe(BigInt(i * 10))
      expect(consistency.after?.size).toBe(BigInt(i * 10 + 10))
    }
  })
})
