import { MAX_FILE_BYTES, MAX_NAME_BYTES, MAX_TRANSFER_BYTES } from '@dittofs/interface'
import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { encodeHandle } from '../src/nfs/nfs-handle.ts'
import { NFS3 } from '../src/nfs/nfs-status.ts'
import { readPost } from './nfs-client.ts'
import { served } from './nfs-fixture.ts'

describe('GETATTR', () => {
  it('shows a file as the owner’s, with the export as its file system', async () => {
    const { client, root, volume } = await served()
    const { handle } = await client.create(root, 'f', 0, { mode: 0o600 })
    await client.write(handle, 0n, Buffer.alloc(1000))
    const { attributes } = await client.getAttributes(handle)
    const own = (await volume.lookup(volume.root, 'f')).attributes
    const { mtimeNs, ctimeNs, fileId } = own
    expect(attributes).toMatchObject({ type: 1, mode: 0o600, links: 1, uid: 501, gid: 502, size: 1000n, used: 1000n })
    expect(attributes).toMatchObject({ mtimeNs, ctimeNs, atimeNs: mtimeNs, fileId })
    expect(attributes?.fileSystemId).toBe((await client.getAttributes(root)).attributes?.fileSystemId)
  })

  it('never shows content as a hole without a block, which some programs would not read', async () => {
    const { client, root, volume } = await served()
    const { handle } = await client.create(root, 'f', 0, {})
    await client.write(handle, 0n, Buffer.alloc(5000))
    volume.withhold((await volume.lookup(volume.root, 'f')).handle, true)
    expect((await client.getAttributes(handle)).attributes).toMatchObject({ size: 5000n, used: 512n })
  })

  it('knows stale handles from those that it never gave out', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', 0, {})
    const stale = Buffer.from(handle)
    await client.remove(root, 'f')
    expect((await client.getAttributes(stale)).status).toBe(NFS3.stale)
    const otherExport = Buffer.from(root)
    otherExport[3] = ~otherExport[3]!
    expect((await client.getAttributes(otherExport)).status).toBe(NFS3.stale)
    const unknownNode = Buffer.concat([root.subarray(0, 9), Buffer.from('nobody')])
    expect((await client.getAttributes(unknownNode)).status).toBe(NFS3.stale)
    const otherForm = Buffer.from(root)
    otherForm[0] = 2
    for (const forged of [
      Buffer.alloc(0),
      Buffer.alloc(64),
      root.subarray(0, 9),
      otherForm,
      Buffer.concat([root.subarray(0, 9), Buffer.from('../../etc')]),
      Buffer.concat([root.subarray(0, 9), Buffer.alloc(55, 'a')]),
    ]) {
      expect((await client.getAttributes(forged)).status).toBe(NFS3.badHandle)
    }
  })
})

describe('SETATTR', () => {
  it('sets mode, size and time, and leaves alone what is not named', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', 0, { mode: 0o644 })
    const time = { seconds: 1_700_000_000, nanoseconds: 5 }
    const changed = await client.setAttributes(handle, { mode: 0o100755, mtime: time })
    expect(changed.status).toBe(0)
    expect(changed.consistency.after).toMatchObject({ mode: 0o755, mtimeNs: 1_700_000_000_000_000_005n, size: 0n })
    const grown = await client.setAttributes(handle, { size: 10n })
    expect(grown.consistency).toMatchObject({ before: { size: 0n }, after: { size: 10n, mode: 0o755 } })
    expect((await client.read(handle, 0n, 20)).bytes).toEqual(Buffer.alloc(10))
    expect((await client.setAttributes(handle, {})).consistency.after).toMatchObject({ size: 10n, mode: 0o755 })
  })

  it('sets the time of the server where that is asked for', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', 0, { mtime: { seconds: 1, nanoseconds: 0 } })
    const startedNs = BigInt(Date.now()) * 1_000_000n
    const { consistency } = await client.setAttributes(handle, { mtime: 'now' })
    expect(consistency.after!.mtimeNs).toBeGreaterThanOrEqual(startedNs)
  })

  it('does so only while the node is as the client knows it, where it is told to', async () => {
    const { client, root } = await served()
    const { handle, attributes } = await client.create(root, 'f', 0, {})
    const { ctimeNs } = attributes!
    expect((await client.setAttributes(handle, { mode: 0o600 }, ctimeNs + 1n)).status).toBe(NFS3.notSync)
    const changed = await client.setAttributes(handle, { mode: 0o600 }, ctimeNs)
    expect(changed).toMatchObject({ status: 0, consistency: { after: { mode: 0o600 } } })
  })

  it('refuses another owner, a size no file has, and half a directory', async () => {
    const { client, root } = await served()
    const { handle } = await client.create(root, 'f', 0, {})
    expect((await client.setAttributes(handle, { uid: 0 })).status).toBe(NFS3.permission)
    expect((await client.setAttributes(handle, { uid: 501 })).status).toBe(0)
    expect((await client.setAttributes(handle, { size: BigInt(MAX_FILE_BYTES) + 1n })).status).toBe(NFS3.fileTooBig)
    expect((await client.setAttributes(root, { size: 0n })).status).toBe(NFS3.isDirectory)
    const halfTime = { seconds: 1, nanoseconds: 1_000_000_000 }
    expect((await client.setAttributes(handle, { mtime: halfTime })).status).toBe(NFS3.invalid)
  })
})

describe('ACCESS', () => {
  it('grants what the owner may do', async () => {
    const { client, root } = await served()
    const file = await client.create(root, 'f', 0, { mode: 0o500 })
    expect(await client.access(root, 0x3f)).toMatchObject({ status: 0, access: 0x1f })
    expect(await client.access(file.handle, 0x3f)).toMatchObject({ status: 0, access: 0x21 })
    expect(await client.access(file.handle, 0x01)).toMatchObject({ status: 0, access: 0x01 })
    await client.setAttributes(file.handle, { mode: 0o200 })
    expect(await client.access(file.handle, 0x3f)).toMatchObject({ status: 0, access: 0x0c })
  })
})

describe('an export that may only be read', () => {
  it('refuses every change with NFS3ERR_ROFS and grants none, though the volume would take it', async () => {
    const volume = memoryVolume()
    await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
    const { client, root } = await served({}, { volume, isReadOnly: true })
    const { handle } = await client.lookup(root, 'f')
    const file = Buffer.from(handle)
    const changes = await Promise.all([
      client.setAttributes(file, { mode: 0o600 }),
      client.write(file, 0n, Buffer.from('x')),
      client.commit(file),
      client.create(root, 'g', 0, {}),
      client.makeDirectory(root, 'g'),
      client.makeSymlink(root, 'g', 'f'),
      client.remove(root, 'f'),
      client.remove(root, 'f', 'RMDIR'),
      client.rename(root, 'f', root, 'g'),
    ])
    expect(changes.map(({ status }) => status)).toEqual(changes.map(() => NFS3.readOnly))
    expect((await client.access(root, 0x3f)).access).toBe(0x03)
    expect((await client.access(file, 0x3f)).access).toBe(0x01)
    expect((await client.read(file, 0n, 10)).status).toBe(0)
  })
})

describe('FSSTAT, FSINFO, PATHCONF', () => {
  it('FSSTAT tells of the disk', async () => {
    const { client, root, volume } = await served({}, { volume: memoryVolume({ maxBytes: 1_000_000 }) })
    const { handle } = await client.create(root, 'f', 0, {})
    await client.write(handle, 0n, Buffer.alloc(1000), 2)
    const { totalBytes, freeBytes } = await volume.statistics()
    const reply = await client.call('FSSTAT', (args) => args.opaque(root))
    expect(reply.uint32()).toBe(0)
    expect(readPost(reply)).toMatchObject({ type: 2 })
    expect([reply.uint64(), reply.uint64(), reply.uint64()]).toEqual([totalBytes, freeBytes, freeBytes].map(BigInt))
    expect(reply.uint64() - reply.uint64()).toBe(1n)
    reply.uint64()
    expect([reply.uint32(), reply.remaining]).toEqual([0, 0])
  })

  it('FSINFO tells the sizes that READ and WRITE take, and that there are no hard links', async () => {
    const { client, root } = await served()
    const reply = await client.call('FSINFO', (args) => args.opaque(root))
    expect(reply.uint32()).toBe(0)
    expect(readPost(reply)).toMatchObject({ type: 2 })
    const sizes = Array.from({ length: 7 }, () => reply.uint32())
    expect(sizes).toEqual([...[0, 1].flatMap(() => [MAX_TRANSFER_BYTES, MAX_TRANSFER_BYTES, 4096]), 65_536])
    expect(reply.uint64()).toBe(BigInt(MAX_FILE_BYTES))
    expect([reply.uint32(), reply.uint32(), reply.uint32(), reply.remaining]).toEqual([0, 1, 0x1a, 0])
  })

  it('PATHCONF tells of names', async () => {
    const { client, root } = await served()
    const reply = await client.call('PATHCONF', (args) => args.opaque(root))
    expect(reply.uint32()).toBe(0)
    expect(readPost(reply)).toMatchObject({ type: 2 })
    const values = Array.from({ length: 6 }, () => reply.uint32())
    expect(values).toEqual([1, MAX_NAME_BYTES, 1, 1, 0, 1])
  })
})

it('puts no more than 64 bytes into a handle', () => {
  const target = { export: { id: Buffer.alloc(8) }, handle: 'h'.repeat(48) } as never
  expect(encodeHandle(target).length).toBeLessThanOrEqual(64)
})
