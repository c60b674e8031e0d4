import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Device } from '@dittofs/interface'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import type { DeviceInit } from '../../src/device-init.ts'
import { joined } from '../support/local-files.ts'
import { openLocal } from '../support/open-local.ts'

const LOOPBACK: Partial<DeviceInit> = { online: true, host: '127.0.0.1', port: 0, mdns: false, beacon: false }

async function edit(device: Device, text: string): Promise<void> {
  const file = path.join(await temporaryDirectory(), 'notes.txt')
  await writeFile(file, text)
  await device.add([file], { as: 'notes.txt', replace: true })
}

const textOf = async (device: Device) => (await joined(device.read('notes.txt'))).toString()

/** Two devices that edited one file while they were apart, and meet again. */
async function conflicting(ofAlice: string, ofBob: string) {
  const [alice, bob] = [await openLocal({ ...LOOPBACK, name: 'alice' }), await openLocal({ ...LOOPBACK, name: 'bob' })]
  const { ticket } = await alice.invite()
  await bob.join(ticket)
  await edit(alice, 'one\ntwo\nthree\nfour\nfive\n')
  await alice.waitUntilSynced()
  await bob.close()
  await edit(alice, ofAlice)
  const alone = await openLocal({ home: bob.home })
  await edit(alone, ofBob)
  await alone.close()
  const again = await openLocal({ ...LOOPBACK, home: bob.home, name: 'bob' })
  await again.sync({ timeoutMs: 50_000 })
  return { alice, bob: again }
}

/** Resolves when a condition holds, asked anew at every change the device tells of. */
async function until(device: Device, condition: () => Promise<boolean>): Promise<void> {
  let stop = () => {}
  await new Promise<void>((resolve, reject) => {
    const ask = () => void condition().then((isTrue) => (isTrue ? resolve() : undefined), reject)
    stop = device.onChange(ask)
    ask()
  })
  stop()
}

describe('a text file that two devices edited', () => {
  it('is merged by itself where they do not clash; both versions stay, and it is said what it was merged from', async () => {
    const { alice, bob } = await conflicting('ONE\ntwo\nthree\nfour\nfive\n', 'one\ntwo\nthree\nfour\nFIVE\n')
    const merged = 'ONE\ntwo\nthree\nfour\nFIVE\n'
    for (const device of [alice, bob]) {
      await until(device, async () => (await textOf(device)) === merged)
      expect(await device.versions.conflicts()).toEqual([])
      const history = await device.versions.history('notes.txt')
      const [newest] = history
      expect(newest?.isCurrent).toBe(true)
      const parents = history.filter(({ id }) => newest?.mergedFrom?.includes(id) === true)
      expect(parents.map(({ device: { name } }) => name).sort()).toEqual(['alice', 'bob'])
      for (const { id, device: author } of parents) {
        const output = path.join(await temporaryDirectory(), 'version.txt')
        await device.versions.restore('notes.txt', { at: id, output })
        expect(author.name).not.toBe('')
      }
      const why = await device.folders.why('notes.txt', { directory: '/' })
      expect(why.map(({ text }) => text).join('\n')).toContain('merged the versions')
    }
  })

  it('waits for a person where they clash', async () => {
    const { alice } = await conflicting('ONE\ntwo\nthree\nfour\nfive\n', '1\ntwo\nthree\nfour\nfive\n')
    await until(alice, async () => (await alice.versions.conflicts()).length === 1)
    await expect(alice.versions.mergeConflict('notes.txt')).rejects.toMatchObject({ code: 'DITTO_CONFLICT' })
    expect(await alice.versions.conflicts()).toHaveLength(1)
  })
})
