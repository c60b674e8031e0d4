import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { nfsGateway } from '../src/index.ts'
import { NfsClient } from './nfs-client.ts'
import { served } from './nfs-fixture.ts'
import { callRecord, RpcClient } from './rpc-client.ts'

const space = (name = 'space') => ({ name, volume: memoryVolume(), isReadOnly: false })

describe('the NFS gateway', () => {
  it('listens on loopback alone unless told otherwise, and says where', async () => {
    const gateway = nfsGateway({ exports: [space()], port: 0 })
    expect(gateway).toMatchObject({ protocol: 'nfs', address: undefined, connections: 0 })
    const address = await gateway.serve()
    expect(address.host).toBe('127.0.0.1')
    expect(gateway.address).toEqual(address)
    expect(await gateway.serve()).toEqual(address)
    await gateway.stop()
    await gateway.stop()
    expect(gateway.address).toBeUndefined()
    await expect(gateway.serve()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
  })

  it('says that a port is in use, and serves once it is free', async () => {
    const first = nfsGateway({ exports: [space()], port: 0 })
    const { port } = await first.serve()
    const second = nfsGateway({ exports: [space()], port })
    await expect(second.serve()).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
    await first.stop()
    expect((await second.serve()).port).toBe(port)
    await second.stop()
  })

  it('says that a host is no address of this machine', async () => {
    const gateway = nfsGateway({ exports: [space()], host: '192.0.2.1', port: 0 })
    await expect(gateway.serve()).rejects.toMatchObject({ code: 'DITTO_CONFIG_INVALID' })
    await gateway.stop()
  })

  it('counts its connections, and ends them when it stops', async () => {
    const { gateway, client } = await served()
    expect(gateway.connections).toBe(1)
    await gateway.stop()
    await client.rpc.closed
    await expect.poll(() => gateway.connections).toBe(0)
  })

  it('answers what it began before it stops', async () => {
    const { gateway, client, root } = await served()
    const created = client.create(root, 'f', 0, {})
    await client.getAttributes(root)
    const [{ status }] = await Promise.all([created, gateway.stop()])
    expect(status).toBe(0)
  })

  it('gives the same handles after a restart, whatever else is exported then', async () => {
    const volume = memoryVolume()
    const first = await served({}, { volume })
    const { handle } = await first.client.create(first.root, 'f', 0, {})
    await first.gateway.stop()
    const exports = [space('another'), { name: 'space', volume, isReadOnly: false }]
    const second = await served({ exports })
    expect(second.root).toEqual(first.root)
    expect((await second.client.getAttributes(handle)).status).toBe(0)
  })

  it('refuses exports that cannot be named or told apart, and addresses that are none', () => {
    for (const exports of [
      [space('')],
      [space('a/b')],
      [space('..')],
      [space('x'.repeat(129))],
      [space('a'), space('a')],
      [{ ...space(), allowedAddresses: ['everybody'] }],
    ]) {
      expect(() => nfsGateway({ exports })).toThrow(expect.objectContaining({ code: 'DITTO_USAGE' }))
    }
  })
})

describe('a call that comes again over a new connection', () => {
  it('gets the answer that was lost, and is not done twice', async () => {
    const { client, root, port } = await served()
    await client.create(root, 'f', 0, {})
    const removed = await client.remove(root, 'f', 'REMOVE', { xid: 4711 })
    client.rpc.socket.resetAndDestroy()
    const again = await NfsClient.connect(port)
    onTestFinished(() => again.rpc.end())
    expect(await again.remove(root, 'f', 'REMOVE', { xid: 4711 })).toEqual(removed)
    expect((await again.remove(root, 'f', 'REMOVE', { xid: 4712 })).status).toBe(2)
  })

  it('is done in earnest where the client had got its answer and ended in order', async () => {
    const { client, root, port, gateway } = await served()
    const first = await client.create(root, 'f', 1, {}, { xid: 1 })
    expect(first.status).toBe(0)
    const second = await NfsClient.connect(port)
    await client.rpc.end()
    await second.remove(root, 'f')
    await expect.poll(() => gateway.connections).toBe(1)
    // A program that counts its calls from 1 in every run.
    const made = await second.create(root, 'f', 1, {}, { xid: 1 })
    expect(made.status).toBe(0)
    expect(made.handle).not.toEqual(first.handle)
    await second.rpc.end()
  })
})

describe('MOUNT', () => {
  it('gives the root of an export, or a directory below it', async () => {
    const { client, root, volume } = await served()
    await volume.makeDirectory(volume.root, 'd', 0o755)
    await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
    expect(await client.mount('/space')).toEqual({ status: 0, handle: root })
    expect((await client.mount('space/')).status).toBe(0)
    const below = await client.mount('/space/d')
    expect(below.handle).toEqual((await client.lookup(root, 'd')).handle)
    expect((await client.mount('/space/f')).status).toBe(20)
    expect((await client.mount('/space/f/x')).status).toBe(20)
    for (const path of ['/', '', '/other', '/space/nothing']) expect((await client.mount(path)).status).toBe(2)
    for (const path of ['/space/..', '/space/../space', '/space/d/../../..']) {
      expect((await client.mount(path)).status).toBe(13)
    }
  })

  it('lists who has mounted what, until they say that they have not', async () => {
    const { client } = await served()
    const dump = async () => {
      const reply = await client.mountCall(2)
      const entries: string[] = []
      while (reply.boolean()) entries.push(`${reply.string(99)} ${reply.string(99)}`)
      return entries
    }
    await client.mount('space')
    expect(await dump()).toEqual(['127.0.0.1 /space', '127.0.0.1 space'])
    await client.mountCall(3, (args) => args.string('space'))
    expect(await dump()).toEqual(['127.0.0.1 /space'])
    await client.mountCall(4)
    expect(await dump()).toEqual([])
  })

  it('shows and gives an export only to the addresses it is for', async () => {
    const exports = [
      { ...space('mine'), allowedAddresses: ['127.0.0.0/8', '::1'] },
      { ...space('theirs'), allowedAddresses: ['192.0.2.0/24'] },
      space('everybodys'),
    ]
    const { client } = await served({ exports })
    const reply = await client.mountCall(5)
    const shown: [string, string[]][] = []
    while (reply.boolean()) {
      const name = reply.string(99)
      const groups: string[] = []
      while (reply.boolean()) groups.push(reply.string(99))
      shown.push([name, groups])
    }
    expect(shown).toEqual([
      ['/mine', ['127.0.0.0/8', '::1']],
      ['/everybodys', []],
    ])
    expect((await client.mount('/mine')).status).toBe(0)
    expect((await client.mount('/theirs')).status).toBe(13)
    // A handle that somebody else passed on is of no use either.
    const { handle } = await client.mount('/everybodys')
    const id = createHash('sha256').update('theirs').digest().subarray(0, 8)
    const forged = Buffer.concat([handle.subarray(0, 1), id, Buffer.from(exports[1]!.volume.root)])
    expect((await client.getAttributes(forged)).status).toBe(13)
  })
})

describe('the portmapper', () => {
  const portmap = (procedure: number) => ({ program: 100_000, version: 2, procedure })

  it('is there only where it is wanted, on loopback, and tells of MOUNT and NFS', async () => {
    const { gateway, port } = await served({ portmapperPort: 0 })
    const address = gateway.portmapperAddress!
    expect(address.host).toBe('127.0.0.1')
    const client = await RpcClient.connect(address.port)
    onTestFinished(() => client.end())
    const ask = async (program: number, version: number, protocol: number) => {
      const reply = await client.call(portmap(3), (args) => {
        for (const value of [program, version, protocol, 0]) args.uint32(value)
      })
      return reply.uint32()
    }
    expect(await ask(100_003, 3, 6)).toBe(port)
    expect(await ask(100_005, 3, 6)).toBe(port)
    expect(await ask(100_003, 4, 6)).toBe(0)
    expect(await ask(100_003, 3, 17)).toBe(0)
    const dump = await client.call(portmap(4))
    const mappings: number[][] = []
    while (dump.boolean()) mappings.push([dump.uint32(), dump.uint32(), dump.uint32(), dump.uint32()])
    expect(mappings).toEqual([
      [100_000, 2, 6, address.port],
      [100_000, 2, 17, address.port],
      [100_003, 3, 6, port],
      [100_005, 3, 6, port],
    ])
    for (const procedure of [1, 2]) expect((await client.call(portmap(procedure))).boolean()).toBe(false)
  })

  it('answers the same over UDP, and nothing to what is no call', async () => {
    const { gateway, port } = await served({ portmapperPort: 0 })
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const answered = new Promise<Buffer>((resolve) => socket.once('message', resolve))
    const call = callRecord(portmap(3), (args) => {
      for (const value of [100_003, 3, 6, 0]) args.uint32(value)
    })
    const portmapper = gateway.portmapperAddress!.port
    for (const message of [Buffer.alloc(3), Buffer.alloc(400, 1), call.subarray(4)]) {
      socket.send(message, portmapper, '127.0.0.1')
    }
    const reply = await answered
    // xid, REPLY, MSG_ACCEPTED, AUTH_NONE, SUCCESS, the port.
    expect(reply.toString('hex')).toBe(`0000000100000001${'0'.repeat(32)}${port.toString(16).padStart(8, '0')}`)
  })

  it('frees the port of NFS again where its own cannot be had', async () => {
    const first = await served({ portmapperPort: 0 })
    expect((await served()).gateway.portmapperAddress).toBeUndefined()
    const portmapperPort = first.gateway.portmapperAddress!.port
    const second = nfsGateway({ exports: [space()], port: 0, portmapperPort })
    await expect(second.serve()).rejects.toMatchObject({ code: 'DITTO_PORT_IN_USE' })
    expect(second.address).toBeUndefined()
    await second.stop()
  })
})
