import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_CALLS_PER_CONNECTION, MAX_CONNECTION_BYTES, MAX_RECORD_BYTES } from '../src/limits.ts'
import { NfsClient, PROCEDURES } from './nfs-client.ts'
import { type Served, served } from './nfs-fixture.ts'
import { callRecord, RpcClient, record } from './rpc-client.ts'

const CONNECTIONS = process.env.DITTOFS_TEST_ALL === '1' ? 10_000 : 1_000
const nfs = (procedure: number) => ({ program: 100_003, version: 3, procedure })

/** A connection that sends `bytes`; what it is closed with does not matter. */
async function attack(port: number, bytes: Buffer): Promise<RpcClient> {
  const client = await RpcClient.connect(port)
  client.socket.write(bytes)
  return client
}

async function expectAlive({ client, root }: Served): Promise<void> {
  expect((await client.getAttributes(root)).status).toBe(0)
}

describe('a client that sends what is no RPC', () => {
  it.each([
    ['a record larger than any call', Buffer.from('ffffffff', 'hex')],
    ['a fragment that makes it so', Buffer.concat([record(Buffer.alloc(8)), Buffer.from('7fffffff', 'hex')])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: 127.0.0.1:2049\r\n\r\n')],
    ['a reply', record(Buffer.from('0000000100000001000000000000000000000000', 'hex'))],
    ['an empty record', record(Buffer.alloc(0))],
    ['fragments without end', Buffer.alloc(4 * 2000)],
  ])('is cut off: %s', async (_, bytes) => {
    const all = await served()
    const { closed } = await attack(all.port, bytes)
    await closed
    await expectAlive(all)
  })

  it('is cut off when its record does not come to an end, or its first call never comes', async () => {
    const all = await served({ stallTimeoutMs: 100 })
    const half = await attack(all.port, callRecord(nfs(0)).subarray(0, 30))
    const silent = await RpcClient.connect(all.port)
    await Promise.all([half.closed, silent.closed])
    await expectAlive(all)
  })

  it('is cut off when it asks for nothing more', async () => {
    const all = await served({ idleTimeoutMs: 100, stallTimeoutMs: 100 })
    await all.client.rpc.closed
    await expect.poll(() => all.gateway.connections).toBe(0)
  })
})

describe('a client that sends garbage as arguments', () => {
  it('gets an answer to every call, whatever the bytes, and the gateway goes on', async () => {
    const all = await served()
    const file = await all.client.create(all.root, 'f', 0, {})
    const handles = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.concat([Buffer.from([0, 0, 0, all.root.length]), all.root, Buffer.alloc(-all.root.length & 3)]),
      Buffer.concat([Buffer.from([0, 0, 0, file.handle.length]), file.handle, Buffer.alloc(-file.handle.length & 3)]),
      Buffer.from('ffffffff', 'hex'),
    )
    const call = fc.tuple(fc.integer({ min: 0, max: 22 }), handles, fc.uint8Array({ maxLength: 120 }))
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 10 }), async (calls) => {
        const replies = await Promise.all(
          calls.map(([procedure, handle, rest]) =>
            all.client.rpc.send(nfs(procedure), (args) => {
              args.fixedOpaque(handle)
              args.fixedOpaque(rest)
            }),
          ),
        )
        for (const reply of replies) {
          expect([reply.uint32(), reply.uint32()]).toEqual([1, 0])
          reply.uint64()
          // SUCCESS, PROC_UNAVAIL or GARBAGE_ARGS; never SYSTEM_ERR.
          expect([0, 3, 4]).toContain(reply.uint32())
        }
      }),
      { numRuns: 200 },
    )
    await expectAlive(all)
  })

  it('gets an answer or is cut off, whatever bytes it sends as records', async () => {
    const all = await served()
    const start = callRecord(nfs(PROCEDURES.LOOKUP)).subarray(4)
    const body = fc.tuple(fc.nat(start.length), fc.uint8Array({ maxLength: 60 }))
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 5 }), async (bodies) => {
        const records = bodies.map(([length, rest]) => record(Buffer.concat([start.subarray(0, length), rest])))
        const attacker = await attack(all.port, Buffer.concat(records))
        const answered = new Promise<void>((resolve) => attacker.socket.once('data', () => resolve()))
        await Promise.race([attacker.closed, answered])
        attacker.socket.destroy()
      }),
      { numRuns: 60 },
    )
    await expectAlive(all)
  })
})

describe('a client that takes no answers', () => {
  it('is not read from any further, holds little memory, and is cut off in the end', async () => {
    const all = await served({ stallTimeoutMs: 300 })
    const { handle } = await all.client.create(all.root, 'f', 0, {})
    await all.client.write(handle, 0n, Buffer.alloc(1024 * 1024))
    let reads = 0
    const read = all.volume.read.bind(all.volume)
    all.volume.read = (...args) => {
      reads += 1
      return read(...args)
    }
    const slow = await RpcClient.connect(all.port)
    slow.socket.pause()
    for (let xid = 1; xid <= 1000; xid++) {
      slow.socket.write(
        callRecord(
          nfs(PROCEDURES.READ),
          (args) => {
            args.opaque(handle)
            args.uint64(0n)
            args.uint32(1024 * 1024)
          },
          { xid },
        ),
      )
    }
    // Others are served meanwhile.
    for (let i = 0; i < 20; i++) await expectAlive(all)
    await new Promise<void>((resolve) => {
      slow.socket.once('close', () => resolve())
      const look = setInterval(() => {
        if (all.gateway.connections > 1) return
        clearInterval(look)
        slow.socket.destroy()
      }, 10)
    })
    // What the bounds let through, and what the kernel's buffers took.
    expect(reads).toBeLessThan(MAX_CONNECTION_BYTES / 2 ** 20 + 16)
    await expectAlive(all)
  })
})

describe('a client that asks much at once', () => {
  it('has no more than its share of calls running', async () => {
    const all = await served()
    let running = 0
    let most = 0
    const waiting: (() => void)[] = []
    const attributes = all.volume.attributes.bind(all.volume)
    all.volume.attributes = async (handle) => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => waiting.push(resolve))
      running -= 1
      return attributes(handle)
    }
    const asked = Promise.all(Array.from({ length: 500 }, () => all.client.getAttributes(all.root)))
    let isDone = false
    void asked.then(() => {
      isDone = true
    })
    while (!isDone) {
      // Time enough for more to begin, if more were let.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      for (const resolve of waiting.splice(0)) resolve()
    }
    expect(most).toBe(MAX_CALLS_PER_CONNECTION)
    expect((await asked).every(({ status }) => status === 0)).toBe(true)
  })
})

describe('a client that asks for what takes long, and goes', () => {
  it('leaves nothing behind that waits', async () => {
    const all = await served()
    const { handle } = await all.client.create(all.root, 'f', 0, {})
    const began = new Promise<AbortSignal>((resolve) => {
      all.volume.read = async (_, { signal }) => {
        resolve(signal!)
        return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
      }
    })
    const impatient = await NfsClient.connect(all.port)
    void impatient.read(handle, 0n, 100)
    const signal = await began
    impatient.rpc.socket.destroy()
    await expect.poll(() => signal.aborted).toBe(true)
    await expectAlive(all)
  })
})

describe('many connections', () => {
  it(`of one address, ${CONNECTIONS} of them, leave room for those that were there`, async () => {
    const all = await served({ maxConnectionsPerAddress: 50 })
    let refused = 0
    let most = 0
    const sockets: Socket[] = []
    for (let batch = 0; batch < CONNECTIONS; batch += 250) {
      await Promise.all(
        Array.from({ length: 250 }, async () => {
          const socket = connect(all.port, '127.0.0.1')
          sockets.push(socket)
          socket.on('error', () => undefined)
          const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')))
          const isIn = new Promise<'in'>((resolve) => socket.once('data', () => resolve('in')))
          socket.write(callRecord(nfs(0)))
          if ((await Promise.race([closed, isIn])) === 'closed') refused += 1
          most = Math.max(most, all.gateway.connections)
        }),
      )
    }
    expect(most).toBe(50)
    expect(refused).toBe(CONNECTIONS - 49)
    await expectAlive(all)
    for (const socket of sockets) socket.destroy()
  }, 60_000)

  it('are bounded in total', async () => {
    const all = await served({ maxConnections: 3 })
    const first = await RpcClient.connect(all.port)
    await first.call(nfs(0))
    const second = await RpcClient.connect(all.port)
    await second.call(nfs(0))
    const third = await RpcClient.connect(all.port)
    await third.closed
    await first.end()
    await expectAlive(all)
    second.socket.destroy()
  })
})

it('takes no more memory than was sent for records that claim to be large', async () => {
  const all = await served()
  const claim = Buffer.alloc(5)
  claim.writeUInt32BE((0x8000_0000 | MAX_RECORD_BYTES) >>> 0)
  const before = process.memoryUsage().arrayBuffers
  const attackers = await Promise.all(Array.from({ length: 100 }, () => attack(all.port, claim)))
  await expectAlive(all)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100 * 100_000)
  for (const attacker of attackers) attacker.socket.destroy()
})
