import { type Device, systemClock } from '@dittofs/interface'
import { type CuttableTransport, cuttableTransport, MemoryNetwork, wideTransport } from '@dittofs/testing'
import { tcpTransport } from '@dittofs/transport-tcp'
import { describe, expect, it } from 'vitest'
import { silent } from '../support/local-files.ts'
import { openLocal } from '../support/open-local.ts'

function lan(): CuttableTransport {
  return cuttableTransport(tcpTransport({ clock: systemClock, logger: silent, mdns: false, beacon: false }))
}

async function linkTo(device: Device, other: Device): Promise<string | undefined> {
  return (await device.status()).peers.find(({ id }) => id === other.id)?.link
}

describe('two devices that never met', () => {
  it('find each other by what a third passes on, and remember it', async () => {
    const server = new MemoryNetwork()
    const tcp = { alice: lan(), bob: lan(), carol: lan() }
    const open = (name: keyof typeof tcp, home?: string) =>
      openLocal({
        ...{ online: true, host: '127.0.0.1', port: 0, name, ...(home !== undefined && { home }) },
        transports: [tcp[name], wideTransport(server, name)],
      })
    const [alice, bob, carol] = [await open('alice'), await open('bob'), await open('carol')]
    await alice.join((await bob.invite()).ticket)
    // From here on nobody reaches alice over the LAN, nor she anybody.
    tcp.alice.setUp(false)
    await carol.join((await bob.invite()).ticket)
    await expect.poll(() => linkTo(alice, carol)).toBe('webrtc')
    await expect.poll(() => linkTo(carol, alice)).toBe('webrtc')
    await bob.close()
    await carol.close()
    const again = await open('carol', carol.home)
    await expect.poll(() => linkTo(again, alice)).toBe('webrtc')
  })
})
