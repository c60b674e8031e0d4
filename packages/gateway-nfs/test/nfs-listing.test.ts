import { describe, expect, it } from 'vitest'
import { NFS3 } from '../src/nfs/nfs-status.ts'
import type { Listed, NfsClient } from './nfs-client.ts'
import { served } from './nfs-fixture.ts'

async function listAll(client: NfsClient, directory: Buffer, count: number, isPlus: boolean): Promise<Listed[]> {
  const all: Listed[] = []
  for (;;) {
    const cookie = all.at(-1)?.cookie ?? 0n
    const listing = isPlus
      ? await client.readDirectoryPlus(directory, cookie, count, count)
      : await client.readDirectory(directory, cookie, count)
    expect(listing.status).toBe(0)
    expect(listing.bytes).toBeLessThanOrEqual(count)
    expect(listing.entries.length > 0 || listing.isEnd).toBe(true)
    all.push(...listing.entries)
    if (listing.isEnd) return all
  }
}

describe.each([
  ['READDIR', false],
  ['READDIRPLUS', true],
] as const)('%s', (_, isPlus) => {
  it.each([512, 1000, 4096, 65_536, 0xffff_ffff])('tells every name once, in answers of %d bytes', async (count) => {
    const { client, root, volume } = await served()
    const names = Array.from({ length: 300 }, (_, i) => `${'n'.repeat(i % 40)}${i}`)
    for (const name of names) await volume.create(volume.root, name, { mode: 0o644, rule: 'guarded' })
    const entries = await listAll(client, root, count, isPlus)
    expect(entries.map((entry) => entry.name)).toEqual(['.', '..', ...names])
    for (const entry of [entries[0]!, entries[5]!, entries[299]!]) {
      const { handle } = await client.lookup(root, entry.name)
      expect((await client.getAttributes(handle)).attributes?.fileId).toBe(entry.fileId)
      if (isPlus) {
        expect(entry.handle).toEqual(handle)
        expect(entry.attributes).toEqual((await client.getAttributes(handle)).attributes)
      }
    }
  })

  it('goes on behind a name that is gone meanwhile', async () => {
    const { client, root, volume } = await served()
    for (const name of ['a', 'b', 'c', 'd']) await volume.create(volume.root, name, { mode: 0o644, rule: 'guarded' })
    const { entries } = await client.readDirectory(root, 0n, 4096)
    const b = entries.find((entry) => entry.name === 'b')!
    await client.remove(root, 'b')
    const rest = isPlus
      ? await client.readDirectoryPlus(root, b.cookie, 4096, 4096)
      : await client.readDirectory(root, b.cookie, 4096)
    expect(rest.entries.map((entry) => entry.name)).toEqual(['c', 'd'])
  })

  it('refuses what no entry fits into, what is no directory, and a cookie no volume gives', async () => {
    const { client, root } = await served()
    const file = await client.create(root, 'f', 0, {})
    const list = (handle: Buffer, cookie: bigint, count: number) =>
      isPlus ? client.readDirectoryPlus(handle, cookie, count, count) : client.readDirectory(handle, cookie, count)
    expect((await list(root, 0n, 64)).status).toBe(NFS3.tooSmall)
    expect((await list(file.handle, 0n, 4096)).status).toBe(NFS3.notDirectory)
    expect((await list(root, 2n ** 64n - 1n, 4096)).status).toBe(NFS3.badCookie)
    expect(await list(root, 2n ** 62n, 4096)).toMatchObject({ status: 0, entries: [], isEnd: true })
  })
})

describe('the cookie verifier', () => {
  it('is the same for all times, and another one is refused', async () => {
    const { client, root } = await served()
    await client.create(root, 'f', 0, {})
    const first = await client.readDirectory(root, 0n, 4096)
    expect(first.verifier).toBe(0n)
    expect((await client.readDirectory(root, 1n, 4096, 5n)).status).toBe(NFS3.badCookie)
  })
})

it('shows what is above a directory as its "..", and the root as its own', async () => {
  const { client, root } = await served()
  const directory = await client.makeDirectory(root, 'd')
  const inner = await client.readDirectoryPlus(Buffer.from(directory.handle), 0n, 4096, 4096)
  expect(inner.entries.map(({ name, handle }) => [name, handle])).toEqual([
    ['.', directory.handle],
    ['..', root],
  ])
  const outer = await client.readDirectoryPlus(root, 0n, 4096, 4096)
  expect(outer.entries[1]).toMatchObject({ name: '..', handle: root })
})
