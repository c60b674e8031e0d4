import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, test } from 'vitest'
import { homeWith, makeFiles, openLocal } from '../support/open-local.ts'

describe('a space of a device as a file system', () => {
  test('shows what was added, and what is written there is in the space', async () => {
    const device = await openLocal()
    const content = pseudoRandomBytes(1, 500_000)
    const directory = await makeFiles({ 'a.txt': 'of a folder', 'large.bin': content })
    await device.add([directory], { as: 'docs' })
    const volume = await device.volume()
    expect(await device.volume()).toBe(volume)
    const docs = await volume.lookup(volume.root, 'docs')
    const large = await volume.lookup(docs.handle, 'large.bin')
    expect(large.attributes).toMatchObject({ size: 500_000, heldBytes: 500_000 })
    const { bytes } = await volume.read(large.handle, { offset: 250_000, length: 100 })
    expect(Buffer.compare(bytes, content.subarray(250_000, 250_100))).toBe(0)

    const made = await volume.create(docs.handle, 'new.txt', { mode: 0o600, rule: 'guarded' })
    await volume.write(made.handle, Buffer.from('by a gateway'), { offset: 0, isStable: true })
    const read: Uint8Array[] = []
    for await (const part of device.read('docs/new.txt')) read.push(part)
    expect(Buffer.concat(read).toString()).toBe('by a gateway')
    const { totalBytes, files } = await volume.statistics()
    expect(totalBytes).toBeGreaterThan(0)
    expect(files).toBe(3)
  })

  test('commits what was written when the device closes, and leaves no spool', async () => {
    const device = await openLocal()
    const volume = await device.volume()
    const { handle } = await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
    await volume.write(handle, new Uint8Array(1_000_000).fill(7), { offset: 0, isStable: false })
    await device.close()
    await expect(volume.attributes(handle)).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    const again = await openLocal({ home: device.home })
    const reopened = await again.volume()
    expect(await reopened.attributes(handle)).toMatchObject({ size: 1_000_000 })
    expect(await readdir(path.join(device.home, 'spool', '1'))).toEqual([])
  })

  test('fetches what is read, and only that, from a device that has it', async () => {
    const alice = await openLocal({ ...LOOPBACK, name: 'alice' })
    const bob = await openLocal({ ...LOOPBACK, home: await homeWith('fetch = "on-demand"\n'), name: 'bob' })
    const content = pseudoRandomBytes(2, 8_000_000)
    const directory = await makeFiles({ 'large.bin': content })
    await alice.add([path.join(directory, 'large.bin')])
    const { space } = await bob.join((await alice.invite()).ticket)
    await bob.sync()
    const volume = await bob.volume(space.id)
    const { handle, attributes } = await volume.lookup(volume.root, 'large.bin')
    expect(attributes).toMatchObject({ size: 8_000_000, heldBytes: 0 })
    const { bytes } = await volume.read(handle, { offset: 5_000_000, length: 200_000 })
    expect(Buffer.compare(bytes, content.subarray(5_000_000, 5_200_000))).toBe(0)
    expect((await bob.status()).chunks.bytes).toBeLessThan(2_000_000)
    await volume.write(handle, Buffer.from('by bob'), { offset: 7_000_000, isStable: true })
    await bob.sync()
    const there = await alice.volume()
    const read = await there.read(handle, { offset: 6_999_998, length: 8 })
    expect(Buffer.from(read.bytes.subarray(2)).toString()).toBe('by bob')
  })
})

/** On this machine alone, found by addresses. */
const LOOPBACK = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false } as const
