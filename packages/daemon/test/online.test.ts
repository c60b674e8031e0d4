import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DeviceInit } from '../src/device-init.ts'
import { collected, joined } from './support/local-files.ts'
import { makeFiles, openLocal } from './support/open-local.ts'

/** On this machine alone, found by addresses. */
const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }

async function openOnline(name: string, init: Partial<DeviceInit> = {}) {
  return openLocal({ ...LOOPBACK, name, ...init })
}

async function pair(inviter: Device, joiner: Device, options: Parameters<Device['invite']>[0] = {}) {
  const { ticket } = await inviter.invite(options)
  return joiner.join(ticket)
}

/** Resolves when a condition holds, asked anew at every change the device tells of. */
async function until(device: Device, condition: () => Promise<boolean>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let isAsking = false
    let isAskedAgain = false
    const ask = () => {
      isAskedAgain = true
      if (isAsking) return
      isAsking = true
      void (async () => {
        while (isAskedAgain) {
          isAskedAgain = false
          if (await condition()) {
            stop()
            resolve()
            return
          }
        }
        isAsking = false
      })().catch(reject)
    }
    const stop = device.onChange(ask)
    ask()
  })
}

describe('two devices', () => {
  it('pair by a ticket, and what one adds the other reads', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const result = await pair(alice, bob)
    expect(result).toMatchObject({ space: { name: 'home' }, role: 'full', peer: { id: alice.id, name: 'alice' } })
    const large = pseudoRandomBytes(11, 3_000_000)
    await alice.add([await makeFiles({ 'a.txt': 'alpha', 'deep/large': large })], { as: 'tree' })
    await alice.waitUntilSynced()
    expect((await joined(bob.read('tree/deep/large'))).equals(large)).toBe(true)
    const entries = await collected(bob.list())
    expect(entries.map((entry) => entry.path)).toEqual(['tree', 'tree/a.txt', 'tree/deep', 'tree/deep/large'])
    await bob.remove('tree/a.txt')
    await bob.waitUntilSynced()
    expect((await collected(alice.list())).map((entry) => entry.path)).not.toContain('tree/a.txt')
    const status = await bob.status()
    expect(status.spaces).toMatchObject([{ name: 'home', members: 2, missingChunks: 0, files: 1 }])
    expect(status.peers).toMatchObject([{ id: alice.id, name: 'alice', link: 'tcp', isUpToDate: true }])
    expect(status.links).toContainEqual(expect.objectContaining({ name: 'tcp', isUp: true }))
    expect(await alice.devices()).toMatchObject([
      { id: alice.id, isSelf: true },
      { id: bob.id, name: 'bob', links: ['tcp'] },
    ])
    expect((await alice.status()).notices).toEqual([expect.stringContaining('"bob"')])
    expect((await alice.metrics()).includes('dittofs_peers_connected 1')).toBe(true)
  })

  it('find each other again after a restart, by what they remember', async () => {
    const alice = await openOnline('alice')
    const bob = await openOnline('bob')
    await pair(alice, bob)
    await bob.close()
    await alice.add([await makeFiles({ f: 'while bob was away' })], { as: 't' })
    const again = await openOnline('bob', { home: bob.home })
    expect(await again.sync({ timeoutMs: 50_000 })).toMatchObject({
      peers: [{ id: alice.id, name: 'alice', isUpToDate: true }],
    })
    expect(await joined(again.read('t/f'))).toEqual(Buffer.from('while bob was away'))
    expect(await again.spaces()).toHaveLength(1)
  })

  it('go on with a sync whose connection breaks in the middle', async () => {
    const alice = await openOnline('alice')
    const bob = await openOnline('bob')
    await pair(alice, bob)
    await Promise.all([alice.close(), bob.close()])
    const large = pseudoRandomBytes(12, 24_000_000)
    const again = await openOnline('alice', { home: alice.home })
    await again.add([await makeFiles({ large })], { as: 't' })
    const cut = await breakingRelay(await tcpPort(again), 4_000_000)
    const receiving = await openOnline('bob', { home: bob.home, peers: [`127.0.0.1:${cut.port}`] })
    expect(await receiving.sync({ timeoutMs: 50_000 })).toMatchObject({ peers: [{ id: alice.id, isUpToDate: true }] })
    expect(cut.hasBroken()).toBe(true)
    expect((await joined(receiving.read('t/large'))).equals(large)).toBe(true)
  })

  it('keep both files when both edit offline', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    await pair(alice, bob)
    await alice.add([path.join(await makeFiles({ f: 'base' }), 'f')])
    await alice.waitUntilSynced()
    await Promise.all([alice.close(), bob.close()])
    const [aliceAlone, bobAlone] = [await openLocal({ home: alice.home }), await openLocal({ home: bob.home })]
    await aliceAlone.add([path.join(await makeFiles({ f: 'of alice' }), 'f')], { replace: true })
    await bobAlone.add([path.join(await makeFiles({ f: 'of bob' }), 'f')], { replace: true })
    await Promise.all([aliceAlone.close(), bobAlone.close()])
    const [a, b] = [await openOnline('alice', { home: alice.home }), await openOnline('bob', { home: bob.home })]
    await b.close()
    const dialling = await openOnline('bob', { home: bob.home, peers: [`127.0.0.1:${await tcpPort(a)}`] })
    await dialling.sync({ timeoutMs: 50_000 })
    await dialling.waitUntilSynced()
    const contents = async (device: Device) => {
      const files = (await collected(device.list())).filter((entry) => entry.kind === 'file')
      const read = await Promise.all(files.map(async (file) => (await joined(device.read(file.path))).toString()))
      return read.sort()
    }
    expect(await contents(dialling)).toEqual(['of alice', 'of bob'])
    expect(await contents(a)).toEqual(['of alice', 'of bob'])
  })

  it('pair after a person saw the same digits on both, and only then', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const { ticket, id } = await alice.invite({ confirm: true })
    const shown: (string | undefined)[] = []
    const joining = bob.join(ticket, {
      onProgress: ({ phase, current }) => {
        if (phase === 'confirm') shown.push(current)
      },
    })
    const waiting = async () => (await alice.invitations())[0]?.waiting ?? []
    await until(alice, async () => (await waiting()).length === 1)
    const [newcomer] = await waiting()
    expect(newcomer).toMatchObject({ id: bob.id, name: 'bob' })
    expect((await alice.devices()).map((device) => device.name)).toEqual(['alice'])
    expect(await alice.confirmInvitation(id, newcomer?.digits ?? '')).toMatchObject({ id: bob.id })
    expect(await joining).toMatchObject({ role: 'full', peer: { id: alice.id } })
    expect(shown).toContain(newcomer?.digits)
    expect(await waiting()).toEqual([])
  })

  it('stay apart when the person says no', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const { ticket, id } = await alice.invite({ confirm: true })
    const joining = bob.join(ticket)
    joining.catch(() => undefined)
    await until(alice, async () => (await alice.invitations())[0]?.waiting.length === 1)
    await alice.revokeInvitation(id)
    await expect(joining).rejects.toMatchObject({ code: 'DITTO_TICKET_UNCONFIRMED' })
    expect(await alice.invitations()).toMatchObject([{ state: 'revoked', waiting: [] }])
    expect(await alice.devices()).toHaveLength(1)
  })

  it('fetch on demand only what is read, and say what is missing when nobody is there', async () => {
    const alice = await openOnline('alice')
    const home = path.join(await temporaryDirectory(), 'home')
    const first = await openOnline('bob', { home })
    await first.close()
    await writeFile(path.join(home, 'config.toml'), 'name = "bob"\nfetch = "on-demand"\n')
    const bob = await openOnline('bob', { home })
    await pair(alice, bob)
    const [one, two] = [pseudoRandomBytes(1, 400_000), pseudoRandomBytes(2, 400_000)]
    await alice.add([await makeFiles({ one, two })], { as: 't' })
    // What is missing is counted a moment after what there is.
    await until(bob, async () => (await bob.status()).spaces[0]?.missingBytes === 800_000)
    const directory = await temporaryDirectory()
    const got = await bob.get('t/one', { directory })
    expect(got.fetchedBytes).toBeGreaterThanOrEqual(400_000)
    expect((await collected(bob.list('', { missing: true }))).map((entry) => entry.path)).toEqual(['t/two'])
    await bob.close()
    const offline = await openLocal({ home })
    const [peer, ...others] = (await offline.status()).peers
    expect([peer?.id, peer?.link, others]).toEqual([alice.id, undefined, []])
    expect(peer?.lastSeen).toBeGreaterThan(Date.now() - 60_000)
    await expect(offline.get('t/two', { directory })).rejects.toMatchObject({ code: 'DITTO_CHUNK_MISSING' })
    expect(await offline.get('t/one', { directory })).toMatchObject({ files: 1, fetchedBytes: 0 })
    // Nobody in a space of its own could ever give it the rest.
    const { space, skipped } = await offline.adoptSpace('home', { as: 'mine' })
    expect(skipped).toMatchObject([{ path: 't/two', code: 'DITTO_CHUNK_MISSING' }])
    expect([space.files, space.missingChunks, space.members]).toEqual([1, 0, 1])
  })

  it('repair damaged chunks from each other', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    await pair(alice, bob)
    const content = pseudoRandomBytes(5, 500_000)
    await alice.add([await makeFiles({ f: content })], { as: 't' })
    await alice.waitUntilSynced()
    await bob.close()
    await damage(path.join(bob.home, 'chunks', 'packs'), content.subarray(1000, 1064))
    const again = await openOnline('bob', { home: bob.home })
    await again.sync({ timeoutMs: 50_000 })
    const result = await again.verify({ repair: true })
    expect(result.damaged.length + ((await again.status()).spaces[0]?.missingChunks ?? 0)).toBeLessThanOrEqual(1)
    expect((await joined(again.read('t/f'))).equals(content)).toBe(true)
    expect((await again.verify()).damaged).toEqual([])
  })
})

describe('a ticket', () => {
  it('is good once, for reading only where it says so, and mangled ones are told apart', async () => {
    const [alice, bob, carol] = [await openOnline('alice'), await openOnline('bob'), await openOnline('carol')]
    const { ticket } = await alice.invite({ role: 'read' })
    expect(await bob.join(ticket)).toMatchObject({ role: 'read' })
    await expect(carol.join(ticket)).rejects.toMatchObject({ code: 'DITTO_TICKET_USED' })
    await expect(carol.join(ticket.slice(0, -1))).rejects.toMatchObject({ code: 'DITTO_TICKET_MANGLED' })
    await expect(bob.invite()).rejects.toMatchObject({ code: 'DITTO_ROLE' })
    expect(await alice.invitations()).toMatchObject([{ state: 'used', usedBy: bob.id }])
    const { ticket: second, id } = await alice.invite()
    await alice.revokeInvitation(id)
    await expect(carol.join(second)).rejects.toMatchObject({ code: 'DITTO_TICKET_REVOKED' })
    expect((await alice.status()).notices.some((notice) => notice.includes('second time'))).toBe(true)
  })

  it('says that its maker is not there', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    const { ticket } = await alice.invite()
    await alice.close()
    await expect(bob.join(ticket)).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it('leaves a space alone that was used, and gives the joined one a name of its own', async () => {
    const [alice, bob] = [await openOnline('alice'), await openOnline('bob')]
    await bob.add([await makeFiles({ mine: 'of bob' })], { as: 'mine' })
    expect((await pair(alice, bob)).space.name).toBe('home-2')
    expect((await bob.spaces()).map((space) => space.name)).toEqual(['home', 'home-2'])
    expect(await collected(bob.list('', { space: 'home-2' }))).toEqual([])
  })
})

describe('three devices', () => {
  it('hear of each other through one of them, and a removed one is cut off everywhere', async () => {
    const [alice, bob, carol] = [await openOnline('alice'), await openOnline('bob'), await openOnline('carol')]
    await pair(alice, bob)
    await pair(alice, carol)
    await carol.add([await makeFiles({ f: 'of carol' })], { as: 'c' })
    await until(bob, async () => (await collected(bob.list())).some((entry) => entry.path === 'c/f'))
    await until(bob, async () => (await bob.devices()).length === 3)
    const removed = await bob.removeDevice(carol.id)
    expect(removed).toMatchObject([{ id: carol.id, name: 'carol' }])
    await until(alice, async () => (await alice.devices()).length === 2)
    await until(carol, async () => (await carol.status()).peers.every((peer) => peer.link === undefined))
    await alice.add([await makeFiles({ f: 'after' })], { as: 'after' })
    await until(bob, async () => (await collected(bob.list())).some((entry) => entry.path === 'after/f'))
    expect((await collected(carol.list())).map((entry) => entry.path)).not.toContain('after/f')
    await expect(bob.removeDevice('ABCDEFG')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    await expect(bob.removeDevice(bob.id)).rejects.toMatchObject({ code: 'DITTO_USAGE' })
  })
})

describe('an online device', () => {
  it('says that its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await expect(openOnline('alice', { port })).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
    server.close()
    await once(server, 'close')
  })

  it('reports that sync reached nobody', async () => {
    const alice = await openOnline('alice')
    await expect(alice.sync({ timeoutMs: 100 })).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
    const bob = await openOnline('bob')
    await pair(alice, bob)
    await bob.close()
    await until(alice, async () => (await alice.status()).peers.every((peer) => peer.link === undefined))
    await expect(alice.sync({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it('refuses addresses that are none', async () => {
    await expect(openOnline('alice', { peers: ['nowhere'] })).rejects.toMatchObject({ code: 'DITTO_USAGE' })
  })
})

async function tcpPort(device: Device): Promise<number> {
  const address = (await device.status()).links.find((link) => link.name === 'tcp')?.addresses?.[0]
  return Number(new URL(String(address)).port)
}

/** Passes on what comes to another port of this machine, and ends everything once when so many bytes came back from there. */
async function breakingRelay(port: number, bytes: number) {
  let left = bytes
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    const end = () => [near, far].forEach((socket) => void socket.destroy())
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
    near.pipe(far).pipe(near)
    far.on('data', (chunk: Buffer) => {
      const isBefore = left > 0
      left -= chunk.length
      if (isBefore && left <= 0) end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, hasBroken: () => left <= 0 }
}

async function damage(packs: string, content: Uint8Array): Promise<void> {
  const { readdir, readFile } = await import('node:fs/promises')
  for (const name of await readdir(packs)) {
    const bytes = await readFile(path.join(packs, name))
    const at = bytes.indexOf(content)
    if (at === -1) continue
    bytes[at] = (bytes[at] as number) ^ 1
    await writeFile(path.join(packs, name), bytes)
    return
  }
  throw new Error('no pack holds it')
}
