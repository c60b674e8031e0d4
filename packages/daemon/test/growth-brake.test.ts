import type { Device } from '@dittofs/interface'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { DeviceInit } from '../src/device-init.ts'
import { joined } from './support/local-files.ts'
import { homeWith, makeFiles, openLocal } from './support/open-local.ts'

const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }
const LIMIT_BYTES = 1024 * 1024

async function homeSpace(device: Device) {
  const [space] = await device.spaces()
  if (space === undefined) throw new TypeError('every device has a space')
  return space
}

/** Two paired devices; bob takes a mebibyte a day by itself. */
async function openPair() {
  const alice = await openLocal({ ...LOOPBACK, name: 'alice' })
  const home = await homeWith('growth_limit = "1 MiB"\n')
  const bob = await openLocal({ ...LOOPBACK, name: 'bob', home })
  const { ticket } = await alice.invite()
  await bob.join(ticket)
  return { alice, bob }
}

describe('a device whose peer adds more than it may bring in a day', () => {
  it('takes the names, holds the content until a person agrees, and over a restart', async () => {
    const { alice, bob } = await openPair()
    const large = pseudoRandomBytes(31, 4_000_000)
    await alice.add([await makeFiles({ large })], { as: 'tree' })
    await bob.waitUntilSynced()
    await alice.add([await makeFiles({ 'wanted.txt': pseudoRandomBytes(32, 50_000) })], { as: 'more' })
    await alice.waitUntilSynced()
    await bob.waitUntilSynced()
    const held = await homeSpace(bob)
    expect(held.files).toBe(2)
    expect(held.missingBytes).toBeGreaterThanOrEqual(4_000_000 - LIMIT_BYTES)
    expect(held.growth).toMatchObject([{ device: { id: alice.id, name: 'alice' } }])
    expect(held.growth?.[0]?.grownBytes).toBeLessThanOrEqual(LIMIT_BYTES)
    expect(held.growth?.[0]?.waitingBytes).toBe(held.missingBytes)
    expect((await bob.status()).notices).toContainEqual(expect.stringContaining('"dittofs accept"'))

    await bob.close()
    const again = await openLocal({ ...LOOPBACK, name: 'bob', home: bob.home })
    await again.sync({ timeoutMs: 50_000 })
    expect((await homeSpace(again)).missingBytes).toBe(held.missingBytes)
    expect((await homeSpace(again)).growth).toMatchObject([{ waitingBytes: held.missingBytes }])
    // What a person asks for is held back by nobody.
    expect(await joined(again.read('more/wanted.txt'))).toHaveLength(50_000)

    expect(await again.acceptGrowth({ space: 'home' })).toMatchObject([
      { space: { name: 'home' }, device: { id: alice.id } },
    ])
    await again.waitUntilSynced()
    expect(await homeSpace(again)).toMatchObject({ missingBytes: 0 })
    expect(await homeSpace(again)).not.toHaveProperty('growth')
    expect((await joined(again.read('tree/large'))).equals(large)).toBe(true)
    expect(await again.acceptGrowth()).toEqual([])
  })

  it('holds back changes that follow, but not its own and not those of others', async () => {
    const { alice, bob } = await openPair()
    await alice.add([await makeFiles({ a: pseudoRandomBytes(33, 2_000_000) })], { as: 'first' })
    await bob.waitUntilSynced()
    const carol = await openLocal({ ...LOOPBACK, name: 'carol' })
    await carol.join((await bob.invite()).ticket)
    await carol.add([await makeFiles({ c: pseudoRandomBytes(34, 500_000) })], { as: 'third' })
    await bob.add([await makeFiles({ b: pseudoRandomBytes(35, 3_000_000) })], { as: 'second' })
    await alice.add([await makeFiles({ tiny: 'a few bytes' })], { as: 'tiny' })
    await carol.waitUntilSynced()
    await alice.waitUntilSynced()
    await bob.waitUntilSynced()
    const missing: string[] = []
    for await (const entries of bob.list('', { missing: true })) missing.push(...entries.map(({ path }) => path))
    expect(missing.filter((path) => path.includes('/'))).toEqual(['first/a', 'tiny/tiny'])
    await alice.remove('first')
    await alice.remove('tiny')
    await alice.waitUntilSynced()
    await bob.waitUntilSynced()
    expect(await homeSpace(bob)).toMatchObject({ missingBytes: 0 })
    await expect.poll(async () => (await homeSpace(bob)).growth).toBeUndefined()
  })
})
