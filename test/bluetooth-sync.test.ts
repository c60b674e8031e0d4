import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { decodeTicket, encodeTicket } from '@dittofs/membership'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Btvirt, bluetoothUnavailable, startBtvirt } from './support/bluetooth/btvirt.ts'
import { skipBecause } from './support/environment.ts'
import { endAfterTest } from './support/lan.ts'
import { ProcessDevice } from './support/process-device.ts'
import { describeTree, writeRandomTree } from './support/tree.ts'

interface Status {
  readonly links: readonly { readonly name: string; readonly isUp: boolean; readonly reason?: string }[]
  readonly peers: readonly { readonly name: string; readonly link?: string }[]
  readonly chunks: { readonly bytes: number }
}

/** A device that finds others by Bluetooth alone. */
async function bluetoothDevice(directory: string, name: string, btvirt?: Btvirt): Promise<ProcessDevice> {
  const home = path.join(directory, name)
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, 'config.toml'), 'bluetooth = "on"\n', { mode: 0o600 })
  const device = new ProcessDevice({
    ...{ home, name },
    daemonArgs: ['--host', '127.0.0.1', '--no-mdns', '--no-beacon'],
    ...(btvirt && { environment: btvirt.environment }),
  })
  endAfterTest([device])
  return device
}

/** A ticket that leads nowhere by TCP: whoever made it has to be found. */
async function ticketWithoutAddresses(device: ProcessDevice): Promise<string> {
  const ticket = decodeTicket((await device.must('invite')).trim())
  return encodeTicket({ ...ticket, addresses: [] })
}

function statusOf(device: ProcessDevice): Promise<Status> {
  return device.json<Status>('status')
}

describe('two daemons with nothing but Bluetooth', () => {
  it.skipIf(skipBecause(bluetoothUnavailable()))(
    'pair by ticket and become the same, though one is killed in the middle',
    async () => {
      const btvirt = await startBtvirt()
      onTestFinished(() => btvirt.stop())
      const directory = await temporaryDirectory()
      const alice = await bluetoothDevice(directory, 'alice', btvirt)
      const bob = await bluetoothDevice(directory, 'bob', btvirt)
      await alice.start()
      await bob.start()
      expect((await statusOf(alice)).links.find(({ name }) => name === 'ble')).toMatchObject({ isUp: true })

      const source = path.join(directory, 'notes')
      // Many files, none too large to come by itself over a link that costs battery.
      await writeRandomTree(source, { files: 150, maxFileBytes: 200_000, seed: 7 })
      await alice.must('add', source)
      await bob.must('join', await ticketWithoutAddresses(alice))
      await vi.waitUntil(async () => (await statusOf(bob)).chunks.bytes > 2_000_000, { timeout: 300_000, interval: 20 })
      await bob.kill()
      await bob.start()

      // Alice may hold on to the connection of the daemon that was killed for some seconds, and refuse another one.
      await vi.waitUntil(async () => (await statusOf(bob)).peers.some(({ link }) => link === 'ble'), {
        timeout: 300_000,
        interval: 200,
      })
      await bob.must('sync', '--timeout', '300')
      await expect.poll(async () => (await statusOf(bob)).peers).toMatchObject([{ name: 'alice', link: 'ble' }])
      await bob.must('get', 'notes', '-o', path.join(directory, 'arrived'))
      expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
      expect(await bob.json('verify')).toMatchObject({ damaged: [] })

      await writeFile(path.join(directory, 'answer.txt'), 'from bob')
      await bob.must('add', path.join(directory, 'answer.txt'))
      await alice.must('sync', '--timeout', '300')
      await alice.must('get', 'answer.txt', '-o', path.join(directory, 'answer-at-alice.txt'))
    },
  )
})

describe('a daemon on a machine whose Bluetooth does not work', () => {
  it('runs without it, says why in status, and prints nothing of its own on the console', async () => {
    const device = await bluetoothDevice(await temporaryDirectory(), 'alice')
    await device.start()
    const link = (await statusOf(device)).links.find(({ name }) => name === 'ble')
    // A machine with an adapter has nothing to complain of.
    if (link?.isUp !== true) expect(link?.reason).toMatch(/^Bluetooth cannot be used: /)
    expect(device.ready).toBeDefined()
    expect(device.log).not.toMatch(/bleno|noble/i)
    expect(await device.stop()).toBe(0)
  })
})
