import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Device, SendEvent } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import type { DeviceInit } from '../src/device-init.ts'
import { makeFiles, openLocal } from './support/open-local.ts'

/** On this machine alone, found by addresses. */
const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }

function openOnline(name: string, init: Partial<DeviceInit> = {}) {
  return openLocal({ ...LOOPBACK, name, ...init })
}

/** Sends, and gives the ticket and what comes after it. */
async function send(device: Device, sources: readonly string[], options: { expiresInMs?: number } = {}) {
  const over = new AbortController()
  const events: SendEvent[] = []
  let tell: (ticket: string) => void = () => undefined
  const ticket = new Promise<string>((resolve) => {
    tell = resolve
  })
  const ended = (async () => {
    for await (const batch of device.send(sources, { ...options, signal: over.signal })) {
      for (const event of batch) {
        events.push(event)
        if (event.kind === 'ticket') tell(event.ticket)
      }
    }
  })()
  ended.catch(() => undefined)
  return { ticket: await Promise.race([ticket, ended.then(() => '')]), ended, events, stop: () => over.abort() }
}

async function leftIn(device: Device & { home: string }) {
  const status = await device.status()
  const { chunks } = status
  const directories = (await readdir(path.join(device.home, 'spaces'))).filter((name) => /\d/.test(name))
  return { chunks: chunks.count, spaces: status.spaces.map(({ name }) => name), directories, peers: status.peers }
}

describe('send and receive', () => {
  it('bring a tree to a device that is no member, and leave nothing on either', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const before = [await leftIn(alice), await leftIn(bob)]
    const large = pseudoRandomBytes(3, 3_000_000)
    const source = await makeFiles({ 'a.txt': 'alpha', 'deep/large': large })
    const sending = await send(alice, [source])
    const directory = path.join(await temporaryDirectory(), 'inbox')
    const result = await bob.receive(sending.ticket, { directory })
    expect(result).toMatchObject({ files: 2, bytes: 3_000_005, peer: { id: alice.id, name: 'alice' }, skipped: [] })
    await sending.ended
    const name = path.basename(source)
    expect(await readFile(path.join(directory, name, 'a.txt'), 'utf8')).toBe('alpha')
    expect((await readFile(path.join(directory, name, 'deep/large'))).equals(large)).toBe(true)
    expect(sending.events.at(-1)).toMatchObject({ kind: 'done', peer: { id: bob.id, name: 'bob' } })
    expect([await leftIn(alice), await leftIn(bob)]).toEqual(before)
    expect(await alice.invitations()).toEqual([])
    expect((await alice.status()).notices).toEqual([])
    expect(await alice.devices()).toHaveLength(1)
    // A ticket that was used up opens nothing any more.
    await expect(bob.receive(sending.ticket, { directory })).rejects.toMatchObject({
      code: expect.stringMatching(/DITTO_(TICKET_UNKNOWN|PEER_UNREACHABLE|KNOCK_REFUSED)/) as string,
    })
    expect(await leftIn(bob)).toEqual(before[1])
  })

  it('fetch nothing that is there already, and refuse before fetching where something else is', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const large = pseudoRandomBytes(4, 1_000_000)
    const source = await makeFiles({ large, note: 'new' })
    const directory = await temporaryDirectory()
    const inside = path.join(directory, path.basename(source))
    await mkdir(inside)
    await writeFile(path.join(inside, 'large'), large)
    await writeFile(path.join(inside, 'note'), 'old')
    const sending = await send(alice, [source])
    await expect(bob.receive(sending.ticket, { directory })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    expect(await readFile(path.join(inside, 'note'), 'utf8')).toBe('old')
    const result = await bob.receive(sending.ticket, { directory, replace: true })
    expect(result.fetchedBytes).toBeLessThan(100)
    expect(await readFile(path.join(inside, 'note'), 'utf8')).toBe('new')
    await sending.ended
  })

  it('work between devices that share a space, which stays as it is', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    await bob.join((await alice.invite()).ticket)
    const sending = await send(alice, [await makeFiles({ a: 'alpha' })])
    await bob.receive(sending.ticket, { directory: await temporaryDirectory() })
    await sending.ended
    await alice.waitUntilSynced()
    expect((await bob.status()).peers).toMatchObject([{ id: alice.id, link: 'tcp', isUpToDate: true }])
    expect(await bob.spaces()).toHaveLength(1)
  })

  it('take only tickets of their own kind', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const { ticket } = await alice.invite()
    const directory = await temporaryDirectory()
    await expect(bob.receive(ticket, { directory })).rejects.toMatchObject({
      code: 'DITTO_USAGE',
      message: expect.stringContaining('dittofs join') as string,
    })
    const sending = await send(alice, [await makeFiles({ a: 'alpha' })])
    await expect(bob.join(sending.ticket)).rejects.toMatchObject({
      code: 'DITTO_USAGE',
      message: expect.stringContaining('dittofs receive') as string,
    })
    await expect(alice.receive(sending.ticket, { directory })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
    sending.stop()
    await expect(sending.ended).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('serve one device only', async () => {
    const [alice, bob, carol] = [await openOnline('alice'), await openOnline('bob'), await openOnline('carol')]
    const source = await makeFiles({ a: 'alpha' })
    const sending = await send(alice, [source])
    const taken = await temporaryDirectory()
    await mkdir(path.join(taken, path.basename(source)))
    await writeFile(path.join(taken, path.basename(source), 'a'), 'other')
    await expect(bob.receive(sending.ticket, { directory: taken })).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
    const before = await leftIn(carol)
    await expect(carol.receive(sending.ticket, { directory: await temporaryDirectory() })).rejects.toMatchObject({
      code: 'DITTO_TICKET_USED',
    })
    expect(await leftIn(carol)).toEqual(before)
    await bob.receive(sending.ticket, { directory: await temporaryDirectory() })
    await sending.ended
  })

  it('end when nobody comes in time, when they are called off, and when the device closes', async () => {
    const alice = await openOnline('alice')
    const before = await leftIn(alice)
    const source = await makeFiles({ a: 'alpha' })
    const stopped = await send(alice, [source])
    expect((await leftIn(alice)).spaces).toEqual(['home'])
    stopped.stop()
    await expect(stopped.ended).rejects.toMatchObject({ name: 'AbortError' })
    expect(await leftIn(alice)).toEqual(before)
    const closed = await send(alice, [source])
    await alice.close()
    await expect(closed.ended).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    const again = await openOnline('alice', { home: alice.home })
    expect(await leftIn(again)).toEqual(before)
  })
})

describe('a device that was stopped as a transfer began', () => {
  it('starts without it, though nothing was stored of the space that was noted', async () => {
    const alice = await openLocal()
    await alice.close()
    const openTable = () => {
      const database = new Level(path.join(alice.home, 'spaces', 'registry'))
      return { database, table: database.sublevel<string, object>('transfers', { valueEncoding: 'json' }) }
    }
    const before = openTable()
    await before.table.put('7c'.repeat(32), { kind: 'send', expiresAt: 0 })
    await before.database.close()
    const again = await openLocal({ home: alice.home })
    expect((await again.spaces()).map(({ name }) => name)).toEqual(['home'])
    await again.close()
    const after = openTable()
    expect(await after.table.keys().all()).toEqual([])
    await after.database.close()
  })
})
