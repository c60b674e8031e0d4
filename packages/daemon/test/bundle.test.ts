import { randomBytes } from 'node:crypto'
import { appendFile, copyFile, readFile, truncate, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { chunkIdOf, loadBlake3 } from '@dittofs/chunk-store'
import { isDittoError, spaceId } from '@dittofs/interface'
import {
  BUNDLE_ID_BYTES,
  decodePartHeader,
  loadOrCreateIdentity,
  openPart,
  PART_HEADER_BYTES,
  partSealer,
} from '@dittofs/link'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BundleRecord, decodeRecords, encodeRecord } from '../src/bundle/bundle-record.ts'
import type { DeviceInit } from '../src/device-init.ts'
import { joined } from './support/local-files.ts'
import { makeFiles, openLocal } from './support/open-local.ts'

const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }

/** Two devices that were paired and then taken apart: both are offline. */
async function pairThenPart(role: 'full' | 'read' = 'full') {
  const alice = await openLocal({ ...LOOPBACK, name: 'alice' })
  const bob = await openLocal({ ...LOOPBACK, name: 'bob' })
  await bob.join((await alice.invite({ role })).ticket)
  await alice.add([await makeFiles({ old: pseudoRandomBytes(1, 1_000_000) })], { as: 't' })
  await alice.add([await makeFiles({ last: 'the newest of what both hold' })], { as: 'v' })
  await alice.waitUntilSynced()
  await bob.waitUntilSynced()
  await alice.close()
  await bob.close()
  return {
    alice: await openLocal({ home: alice.home, name: 'alice' }),
    bob: await openLocal({ home: bob.home, name: 'bob' }),
  }
}

function identityIn(home: string) {
  return loadOrCreateIdentity(path.join(home, 'identity'))
}

/** A bundle of one part with these records, by one device for another. */
async function sealedBy(sender: string, recipient: string, records: readonly BundleRecord[]): Promise<string> {
  const file = path.join(await temporaryDirectory(), 'sealed')
  const seal = partSealer(await identityIn(sender), (await identityIn(recipient)).key, randomBytes)
  const place = { bundle: randomBytes(BUNDLE_ID_BYTES), index: 0, isLast: true }
  await writeFile(file, seal(place, Buffer.concat(records.map(encodeRecord))))
  return file
}

async function recordsIn(file: string, recipient: string): Promise<BundleRecord[]> {
  const identity = await identityIn(recipient)
  const bytes = await readFile(file)
  const records: BundleRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = decodePartHeader(bytes.subarray(at, at + PART_HEADER_BYTES))
    at += PART_HEADER_BYTES
    records.push(...decodeRecords(openPart(identity, header, bytes.subarray(at, at + header.length)).content))
    at += header.length
  }
  return records
}

describe('a bundle', () => {
  it('brings what was not known to be there, and not what was', async () => {
    const { alice, bob } = await pairThenPart()
    const fresh = pseudoRandomBytes(2, 3_000_000)
    await alice.add([await makeFiles({ fresh })], { as: 'u' })
    await alice.move('t/old', 't/moved')
    const directory = await temporaryDirectory()
    const written = await alice.exportBundle(directory, { device: bob.id })
    expect(written).toMatchObject({
      isWhole: false,
      isResumed: false,
      missingChunks: 0,
      device: { id: bob.id, name: 'bob' },
    })
    expect(path.basename(written.file)).toBe('home-for-bob.dittofs')
    expect(written.bytes).toBeLessThan(3_200_000)
    const taken = await bob.importBundle(written.file)
    expect(taken).toMatchObject({
      device: { id: alice.id, name: 'alice' },
      space: { name: 'home' },
    })
    // The file, and its manifest.
    expect(taken.newBytes).toBeGreaterThanOrEqual(3_000_000)
    expect(taken.newBytes).toBeLessThan(3_010_000)
    expect((await joined(bob.read('u/fresh'))).equals(fresh)).toBe(true)
    expect((await joined(bob.read('t/moved'))).length).toBe(1_000_000)
    // Again it changes nothing; and a finished bundle is not written over.
    expect(await bob.importBundle(written.file)).toMatchObject({ newChunks: 0, statements: 0 })
    await expect(alice.exportBundle(directory, { device: bob.id })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    const all = await alice.exportBundle(path.join(directory, 'all'), { device: bob.id, all: true })
    expect(all.isWhole).toBe(true)
    expect(all.bytes).toBeGreaterThan(4_000_000)
  })

  it('is refused where it was cut, changed or swapped, and goes on with what is whole', async () => {
    const { alice, bob } = await pairThenPart()
    const fresh = pseudoRandomBytes(3, 6_000_000)
    await alice.add([await makeFiles({ fresh })], { as: 'u' })
    const directory = await temporaryDirectory()
    const { file, bytes } = await alice.exportBundle(path.join(directory, 'b'), { device: bob.id })
    const cut = path.join(directory, 'cut')
    await copyFile(file, cut)
    await truncate(cut, bytes - 1_500_000)
    await expect(bob.importBundle(cut)).rejects.toMatchObject({ code: 'DITTO_BUNDLE_DAMAGED' })
    const changed = path.join(directory, 'changed')
    const content = await readFile(file)
    content[3_000_000] = (content[3_000_000] ?? 0) ^ 1
    await writeFile(changed, content)
    await expect(bob.importBundle(changed)).rejects.toMatchObject({ code: 'DITTO_BUNDLE_DAMAGED' })
    await appendFile(file, 'dust')
    const taken = await bob.importBundle(file)
    expect(taken.newBytes).toBeLessThan(3_000_000)
    expect((await joined(bob.read('u/fresh'))).equals(fresh)).toBe(true)
  })

  it('leaves free on the disk what is to stay free, and goes on once there is room', async () => {
    const { alice, bob } = await pairThenPart()
    await alice.add([await makeFiles({ fresh: pseudoRandomBytes(9, 500_000) })], { as: 'u' })
    const { file } = await alice.exportBundle(await temporaryDirectory(), { device: bob.id })
    await bob.close()
    await writeFile(path.join(bob.home, 'config.toml'), 'reserve = "900000 GiB"\n')
    const full = await openLocal({ home: bob.home })
    const before = (await full.status()).chunks.bytes
    await expect(full.importBundle(file)).rejects.toMatchObject({ code: 'DITTO_NO_SPACE' })
    expect((await full.status()).chunks.bytes).toBe(before)
    await full.close()
    await writeFile(path.join(bob.home, 'config.toml'), '')
    const again = await openLocal({ home: bob.home })
    await again.importBundle(file)
    expect(await joined(again.read('u/fresh'))).toHaveLength(500_000)
  })

  it('brings no chunk that no file of the space names', async () => {
    const { alice, bob } = await pairThenPart()
    const bytes = pseudoRandomBytes(12, 100_000)
    const chunk = { id: chunkIdOf(loadBlake3(), bytes), bytes }
    const space = spaceId.parse((await bob.spaces())[0]?.id ?? '')
    const file = await sealedBy(alice.home, bob.home, [
      { type: 'start', space },
      { type: 'chunk', chunk },
    ])
    const before = (await bob.status()).chunks
    expect(await bob.importBundle(file)).toMatchObject({ newChunks: 0, newBytes: 0 })
    expect((await bob.status()).chunks).toEqual(before)
  })

  it('brings what stands in it behind a file that is gone, where another file names it', async () => {
    const { alice, bob } = await pairThenPart()
    const shared = Buffer.from(pseudoRandomBytes(11, 3_000_000))
    await alice.add([await makeFiles({ first: Buffer.concat([shared, Buffer.from('1')]) })], { as: 'u' })
    await alice.add([await makeFiles({ second: Buffer.concat([shared, Buffer.from('2')]) })], { as: 'w' })
    const directory = await temporaryDirectory()
    const { file } = await alice.exportBundle(path.join(directory, 'old'), { device: bob.id })
    await alice.remove('u/first')
    const { file: newer } = await alice.exportBundle(path.join(directory, 'new'), { device: bob.id })
    const withoutBytes = (await recordsIn(newer, bob.home)).filter(({ type }) => type !== 'chunk')
    expect(await bob.importBundle(await sealedBy(alice.home, bob.home, withoutBytes))).toMatchObject({ newChunks: 0 })
    await bob.importBundle(file)
    expect((await joined(bob.read('w/second'))).equals(Buffer.concat([shared, Buffer.from('2')]))).toBe(true)
  })

  it('is refused by another device, from one that is no member, and where nobody can be meant', async () => {
    const { alice, bob } = await pairThenPart()
    const carol = await openLocal({ name: 'carol' })
    const directory = await temporaryDirectory()
    const { file } = await alice.exportBundle(directory, { device: bob.id })
    await expect(carol.importBundle(file)).rejects.toMatchObject({ code: 'DITTO_BUNDLE_FOREIGN' })
    await expect(alice.exportBundle(directory, { device: carol.id })).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(alice.exportBundle(directory, { device: alice.id })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    await bob.removeDevice(alice.id)
    await expect(bob.importBundle(file)).rejects.toMatchObject({ code: 'DITTO_NOT_A_MEMBER' })
  })

  it('brings no changes from a device that may only read, but bytes', async () => {
    const { alice, bob } = await pairThenPart('read')
    const directory = await temporaryDirectory()
    const { file } = await bob.exportBundle(directory, { device: alice.id, all: true })
    expect(await alice.importBundle(file)).toMatchObject({ newChunks: 0 })
  })

  it('has records that are read back, and any bytes are records or refused', () => {
    const chunk = { type: 'chunk' as const, chunk: { id: 'ab'.repeat(32) as never, bytes: Uint8Array.of(1, 2) } }
    expect(decodeRecords(encodeRecord(chunk))).toEqual([chunk])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeRecords(bytes)
        } catch (error) {
          expect(isDittoError(error, 'DITTO_BUNDLE_DAMAGED')).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
