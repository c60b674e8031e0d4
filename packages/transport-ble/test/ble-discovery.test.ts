import type { Announcement, Sighting } from '@dittofs/interface'
import { turnClock } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { announcementDigest, encodeAnnouncement } from '../src/announcement-value.ts'
import { bleTransport } from '../src/ble-transport.ts'
import { radioUnavailable } from '../src/radio-unavailable.ts'
import { MemoryAir, MemoryCentral, MemoryPeripheral } from './support/memory-air.ts'

const ALICE = 'a11ce0000001'
const BOB = 'b0b000000002'

function announcementOf(seed: number, tags = 1): Announcement {
  return { nonce: Buffer.alloc(8, seed), tags: Array.from({ length: tags }, () => Buffer.alloc(8, 0xaa)) }
}

/** A device in the air, that listens and discovers until the test has finished. */
async function device(air: MemoryAir, address: string, first: Announcement) {
  const sightings: Sighting[] = []
  /** By the clock, each of them. */
  const heardAt: number[] = []
  let announcement = first
  let isPeripheral = true
  const clock = turnClock(100)
  const transport = bleTransport({
    clock,
    loadCentral: async () => new MemoryCentral(air, address),
    loadPeripheral: async () => {
      if (!isPeripheral) throw radioUnavailable('unsupported')
      return new MemoryPeripheral(air, address)
    },
  })
  const discover = async () => {
    const discovery = await transport.discover({
      port: 0,
      announcement: () => announcement,
      onSighting: (sighting) => {
        sightings.push(sighting)
        heardAt.push(clock.monotonic())
      },
    })
    onTestFinished(() => discovery.close())
    return discovery
  }
  const listen = async () => {
    const listener = await transport.listen({ port: 0, onConnection: () => undefined })
    onTestFinished(() => listener.close())
    return listener
  }
  return {
    ...{ clock, sightings, heardAt, discover, listen },
    announce: (next: Announcement) => {
      announcement = next
    },
    withoutPeripheral: () => {
      isPeripheral = false
    },
    seen: async (wanted: Announcement) => {
      const found = () => sightings.find(({ nonce, tags }) => announces({ nonce, tags }, wanted))
      await expect.poll(found).toBeDefined()
      return found()!
    },
  }
}

function announces(one: Announcement, other: Announcement): boolean {
  return encodeAnnouncement(one).equals(encodeAnnouncement(other))
}

describe('discovery by Bluetooth', () => {
  it('lets two devices hear what the other announces, at an address that can be dialled', async () => {
    const air = new MemoryAir()
    const alice = await device(air, ALICE, announcementOf(1, 16))
    const bob = await device(air, BOB, announcementOf(2, 0))
    for (const one of [alice, bob]) {
      await one.listen()
      expect((await one.discover()).state()).toEqual([{ name: 'ble discovery', isUp: true }])
    }
    expect(await alice.seen(announcementOf(2, 0))).toMatchObject({ addresses: [`ble://${BOB}`], via: 'ble' })
    expect(await bob.seen(announcementOf(1, 16))).toMatchObject({ addresses: [`ble://${ALICE}`], via: 'ble' })
    expect([...alice.sightings, ...bob.sightings].filter(({ addresses }) => addresses.length !== 1)).toEqual([])
  })

  it('advertises nothing but the digest of what is announced now', async () => {
    const air = new MemoryAir()
    const alice = await device(air, ALICE, announcementOf(1))
    await alice.listen()
    const discovery = await alice.discover()
    const name = (announcement: Announcement) => announcementDigest(encodeAnnouncement(announcement))
    expect(air.peripherals.get(ALICE)?.name).toBe(name(announcementOf(1)))
    alice.announce(announcementOf(3))
    discovery.refresh()
    await expect.poll(() => air.peripherals.get(ALICE)?.name).toBe(name(announcementOf(3)))
    await discovery.close()
    expect(air.peripherals.get(ALICE)?.name).toBe('')
  })

  it('connects to read an announcement once, and again when it has changed', async () => {
    const air = new MemoryAir()
    const alice = await device(air, ALICE, announcementOf(1))
    const bob = await device(air, BOB, announcementOf(2))
    await alice.listen()
    await alice.discover()
    await bob.discover()
    await bob.seen(announcementOf(1))
    for (let scans = 0; scans < 3; scans++) {
      const before = bob.sightings.length
      await expect.poll(() => bob.sightings.length).toBeGreaterThan(before)
    }
    const connections = air.connections.length
    expect(connections).toBe(1)
    alice.announce(announcementOf(4))
    await bob.seen(announcementOf(4))
  })

  it('does not tell of itself', async () => {
    const air = new MemoryAir()
    const alice = await device(air, ALICE, announcementOf(1))
    await alice.listen()
    await alice.discover()
    const bob = await device(air, BOB, announcementOf(2))
    await bob.listen()
    await bob.discover()
    await alice.seen(announcementOf(2))
    expect(alice.sightings.filter(({ nonce }) => nonce[0] === 1)).toEqual([])
  })

  it('hears others where it cannot be found itself, and says so', async () => {
    const air = new MemoryAir()
    const alice = await device(air, ALICE, announcementOf(1))
    await alice.listen()
    await alice.discover()
    const bob = await device(air, BOB, announcementOf(2))
    bob.withoutPeripheral()
    const discovery = await bob.discover()
    await bob.seen(announcementOf(1))
    expect(discovery.state()).toEqual([
      { name: 'ble discovery', isUp: false, reason: expect.stringMatching(/does not know Bluetooth LE/) as string },
    ])
  })

  it('tries one that could not be read again with the next scan', async () => {
    const air = new MemoryAir()
    const busy = new MemoryPeripheral(air, 'b05100000001')
    await busy.advertise('00000000')
    const bob = await device(air, BOB, announcementOf(2))
    const start = bob.clock.monotonic()
    await bob.discover()
    // Until the first scan is over it cannot be connected to.
    while (bob.clock.monotonic() - start < 5_000) await new Promise(setImmediate)
    await busy.serve({ onPipe: () => undefined, announcement: () => encodeAnnouncement(announcementOf(1)) })
    await bob.seen(announcementOf(1))
    expect(bob.heardAt[0]! - start).toBeLessThan(28_000)
  })

  it('is not stopped by a peripheral that announces nonsense or cannot be reached', async () => {
    const air = new MemoryAir()
    const liar = new MemoryPeripheral(air, '0ddba11c0ffe')
    await liar.serve({ onPipe: () => undefined, announcement: () => Buffer.alloc(1_000) })
    await liar.advertise('00000000')
    const deaf = new MemoryPeripheral(air, 'deaf00000001')
    await deaf.advertise('11111111')
    const alice = await device(air, ALICE, announcementOf(1))
    await alice.listen()
    await alice.discover()
    const bob = await device(air, BOB, announcementOf(2))
    await bob.discover()
    await bob.seen(announcementOf(1))
    expect(bob.sightings.every(({ nonce }) => nonce[0] === 1)).toBe(true)
  })
})
