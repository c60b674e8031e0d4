import { networkInterfaces } from 'node:os'
import { transportSuite } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { formatTcpAddress } from '../src/tcp-address.ts'
import { tcpTransport } from '../src/tcp-transport.ts'

for (const host of ['127.0.0.1', '::1']) {
  transportSuite(`TCP over ${host}`, {
    setup: async () => ({
      dialer: tcpTransport(),
      listener: tcpTransport(),
      host,
      nobody: async () => nobodyAt(host),
    }),
  })
}

/** Ports as low as this the system gives to nobody who asks for any: no other program can come to listen there meanwhile. */
function nobodyAt(host: string): string {
  return formatTcpAddress({ host, port: 1 })
}

describe('tcpTransport', () => {
  it('listens on IPv4 and IPv6 of every interface and tells others all but the loopback', async () => {
    const remotes: string[] = []
    const listener = await tcpTransport().listen({
      port: 0,
      onConnection: ({ duplex, remote }) => {
        remotes.push(remote)
        duplex.destroy()
      },
    })
    onTestFinished(() => listener.close())
    const [, port] = /:(\d+)$/.exec(listener.addresses()[0]!)!
    const hasOutward = Object.values(networkInterfaces()).some((infos) => infos?.some((info) => !info.internal))
    for (const address of listener.addresses()) {
      if (hasOutward) expect(address).not.toMatch(/127\.0\.0\.1|\[::1\]/)
      expect(address).toMatch(new RegExp(`:${port}$`))
    }
    for (const host of ['127.0.0.1', '::1']) {
      const duplex = await tcpTransport().dial(`tcp://${host === '::1' ? '[::1]' : host}:${port}`)
      await new Promise((resolve) => duplex.resume().once('end', resolve).once('close', resolve))
      duplex.destroy()
      expect(remotes.pop()).toContain(host === '::1' ? 'tcp://[::1]:' : 'tcp://127.0.0.1:')
    }
  })

  it('gives the loopback addresses where there is nothing else', async () => {
    const { lo } = { lo: [] as never[], ...networkInterfaces() }
    const transport = tcpTransport({ networkInterfaces: () => ({ lo }) })
    const listener = await transport.listen({ port: 0, onConnection: () => undefined })
    onTestFinished(() => listener.close())
    expect(listener.addresses()).toHaveLength(lo.length)
  })

  it('gives up on a host that never answers', async () => {
    const transport = tcpTransport({ dialTimeoutMs: 1 })
    const dialing = transport.dial('tcp://192.0.2.254:9')
    await expect(dialing).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it('says in words what is wrong with the host and the port', async () => {
    const transport = tcpTransport()
    await expect(transport.dial(nobodyAt('127.0.0.1'))).rejects.toThrow(/nobody listens there/)
    await expect(transport.listen({ port: 0, host: '192.0.2.199', onConnection: () => undefined })).rejects.toThrow(
      /no address of this machine/,
    )
  })

  it('tries a link-local IPv6 address without a zone on its own interfaces', async () => {
    const own = Object.entries(networkInterfaces())
      .flatMap(([name, infos]) => (infos ?? []).map((info) => ({ name, ...info })))
      .find(({ address }) => address.startsWith('fe80'))
    // Without such an interface the address is refused by the system; either way the dial ends in a clear answer.
    const listener = await tcpTransport().listen({ port: 0, onConnection: ({ duplex }) => void duplex.end('found') })
    onTestFinished(() => listener.close())
    const port = Number(/:(\d+)$/.exec(listener.addresses()[0]!)![1])
    const dialing = tcpTransport().dial(formatTcpAddress({ host: own?.address ?? 'fe80::1', port }))
    if (own === undefined) {
      await expect(dialing).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
    } else {
      const duplex = await dialing
      await new Promise((resolve) => duplex.resume().once('end', resolve))
      duplex.destroy()
      expect(duplex.destroyed).toBe(true)
    }
  })
})
