import net from 'node:net'
import { expect, it } from 'vitest'
import { acceptLink, connectLink, createIdentity, type KnockKey, knockKey } from '../src/index.ts'

it('works', async () => {
  const alice = await createIdentity()
  const bob = await createIdentity()
  const keys: KnockKey[] = [{ match: { kind: 'space', name: 's' }, secret: knockKey(Buffer.alloc(32, 1), 'knock') }]
  const server = net.createServer()
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r))
  const accepted = new Promise<import('@dittofs/interface').Link>((resolve, reject) =>
    server.once('connection', (duplex) => {
      acceptLink({
        duplex,
        transport: 'tcp',
        remote: 'x',
        identity: bob,
        knockKeys: () => keys,
        accept: () => true,
      }).then(resolve, reject)
    }),
  )
  const duplex = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  const link = await connectLink({
    duplex,
    transport: 'tcp',
    remote: 'x',
    identity: alice,
    knockKeys: keys,
    expected: bob.key,
  })
  const other = await accepted
  expect(other.peer).toBe(alice.key)
  link.send(Buffer.from('hello'))
  link.send(Buffer.alloc(1 << 20, 7))
  link.send(Buffer.alloc(1))
  const closing = link.close()
  const got: number[] = []
  await expect(
    (async () => {
      for await (const f of other.frames()) got.push(f.length)
    })(),
  ).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
  expect(got).toEqual([5, 1 << 20, 1])
  await closing
  server.close()
})
