import { MAX_FILE_BYTES, MAX_TRANSFER_BYTES, type VolumeHandle } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { NFS3 } from '../src/nfs/nfs-status.ts'
import { served } from './nfs-fixture.ts'

const UNSTABLE = 0
const DATA_SYNC = 1
const FILE_SYNC = 2

async function withFile(init: Parameters<typeof served>[0] = {}) {
  const all = await served(init)
  const { handle } = await all.client.create(all.root, 'f', 0, {})
  const entry = await all.volume.lookup(all.volume.root, 'f')
  return { ...all, file: Buffer.from(handle), volumeHandle: entry.handle satisfies VolumeHandle }
}

describe('WRITE and READ', () => {
  it('give back the bytes at any offset, and tell where the file ends', async () => {
    const { client, file } = await withFile()
    const bytes = Buffer.from(pseudoRandomBytes(1, 100_003))
    expect(await client.write(file, 7n, bytes)).toMatchObject({ status: 0, count: 100_003, committed: UNSTABLE })
    const all = await client.read(file, 0n, 200_000)
    expect(all).toMatchObject({ status: 0, count: 100_010, isEnd: true, attributes: { size: 100_010n } })
    expect(all.bytes.equals(Buffer.concat([Buffer.alloc(7), bytes]))).toBe(true)
    for (const [offset, count] of [
      [0, 1],
      [8, 4096],
      [50_000, 3],
      [99_000, 1010],
    ] as const) {
      const part = await client.read(file, BigInt(offset), count)
      expect(part.bytes).toEqual(all.bytes.subarray(offset, offset + count))
      expect(part.isEnd).toBe(offset + count >= 100_010)
    }
  })

  it('move as much at once as FSINFO says, and never more', async () => {
    const { client, file } = await withFile()
    const bytes = Buffer.from(pseudoRandomBytes(2, MAX_TRANSFER_BYTES))
    expect((await client.write(file, 0n, bytes)).count).toBe(MAX_TRANSFER_BYTES)
    await client.write(file, BigInt(MAX_TRANSFER_BYTES), bytes)
    const read = await client.read(file, 0n, 0xffff_ffff)
    expect(read).toMatchObject({ count: MAX_TRANSFER_BYTES, isEnd: false })
    expect(read.bytes.equals(bytes)).toBe(true)
  })

  it('read nothing behind the end, and nothing where nothing is asked', async () => {
    const { client, file } = await withFile()
    await client.write(file, 0n, Buffer.from('hello'))
    for (const offset of [5n, 6n, BigInt(MAX_FILE_BYTES), 2n ** 64n - 1n]) {
      expect(await client.read(file, offset, 100)).toMatchObject({ status: 0, count: 0, isEnd: true })
    }
    expect(await client.read(file, 2n, 0)).toMatchObject({ status: 0, count: 0, isEnd: false })
    expect(await client.read(file, 5n, 0)).toMatchObject({ status: 0, count: 0, isEnd: true })
  })

  it('answer many requests of one connection that were sent at once', async () => {
    const { client, file } = await withFile()
    const bytes = Buffer.from(pseudoRandomBytes(3, 300 * 1000))
    await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        client.write(file, BigInt(i * 1000), bytes.subarray(i * 1000, (i + 1) * 1000)),
      ),
    )
    const parts = await Promise.all(Array.from({ length: 300 }, (_, i) => client.read(file, BigInt(i * 1000), 1000)))
    expect(Buffer.concat(parts.map((part) => part.bytes)).equals(bytes)).toBe(true)
  })

  it('refuse what is no file', async () => {
    const { client, root } = await withFile()
    const { handle } = await client.makeSymlink(root, 'l', 'f')
    expect((await client.read(root, 0n, 10)).status).toBe(NFS3.isDirectory)
    expect((await client.read(root, 0n, 0)).status).toBe(NFS3.isDirectory)
    expect((await client.write(root, 0n, Buffer.from('x'))).status).toBe(NFS3.isDirectory)
    expect((await client.read(handle, 0n, 10)).status).toBe(NFS3.invalid)
    expect((await client.write(handle, 0n, Buffer.from('x'))).status).toBe(NFS3.invalid)
  })

  it('refuse a count that is not that of the bytes, and a place no file reaches', async () => {
    const { client, file } = await withFile()
    expect((await client.write(file, 0n, Buffer.from('abc'), UNSTABLE, 4)).status).toBe(NFS3.invalid)
    expect((await client.write(file, BigInt(MAX_FILE_BYTES), Buffer.from('a'))).status).toBe(NFS3.fileTooBig)
    expect((await client.write(file, 2n ** 64n - 1n, Buffer.from('a'))).status).toBe(NFS3.fileTooBig)
    expect((await client.getAttributes(file)).attributes?.size).toBe(0n)
  })

  it('say that bytes no device has cannot be read, and read them once they can', async () => {
    const { client, file, volume, volumeHandle } = await withFile()
    await client.write(file, 0n, Buffer.from('hello'))
    volume.withhold(volumeHandle, true)
    expect(await client.read(file, 0n, 5)).toMatchObject({ status: NFS3.io, attributes: { size: 5n } })
    volume.withhold(volumeHandle, false)
    expect((await client.read(file, 0n, 5)).bytes.toString()).toBe('hello')
  })
})

describe('stable storage', () => {
  it('keeps what was written FILE_SYNC or DATA_SYNC over a crash, and loses what was not', async () => {
    const { client, file, volume } = await withFile()
    for (const [i, stable] of [FILE_SYNC, DATA_SYNC, UNSTABLE].entries()) {
      const written = await client.write(file, BigInt(i), Buffer.from('x'), stable)
      expect(written.committed).toBe(stable === UNSTABLE ? UNSTABLE : FILE_SYNC)
    }
    volume.restart()
    expect((await client.getAttributes(file)).attributes?.size).toBe(2n)
  })

  it('COMMIT makes it last, with a verifier that changes when something was lost', async () => {
    const { client, file, volume } = await withFile()
    const written = await client.write(file, 0n, Buffer.from('hello'))
    const committed = await client.commit(file)
    expect(committed).toMatchObject({ status: 0, verifier: written.verifier, consistency: { after: { size: 5n } } })
    volume.restart()
    expect((await client.getAttributes(file)).attributes?.size).toBe(5n)
    expect((await client.commit(file)).verifier).not.toBe(written.verifier)
  })

  it('SETATTR of a size lasts at once, for no client sends it again', async () => {
    const { client, file, volume } = await withFile()
    await client.write(file, 0n, Buffer.from('hello'), FILE_SYNC)
    expect((await client.setAttributes(file, { size: 2n })).consistency.after?.size).toBe(2n)
    volume.restart()
    expect((await client.getAttributes(file)).attributes?.size).toBe(2n)
  })

  it('commits what was written when the gateway stops', async () => {
    const { client, file, volume, gateway, volumeHandle } = await withFile()
    await client.write(file, 0n, Buffer.from('hello'))
    await gateway.stop()
    volume.restart()
    expect((await volume.attributes(volumeHandle)).size).toBe(5)
  })
})
