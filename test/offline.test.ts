import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import type { ProcessDevice } from './support/process-device.ts'

interface Listed {
  path: string
  kind: string
  missingChunks: number
}

/** Syncs until all devices list the same tree, a bounded number of rounds. */
async function settle(devices: readonly ProcessDevice[]): Promise<Listed[]> {
  for (let round = 0; round < 20; round++) {
    for (const device of devices) await device.must('sync', '--timeout', '300')
    const trees = await Promise.all(devices.map((device) => device.json<Listed[]>('list')))
    const [first, ...others] = trees.map((tree) => JSON.stringify(tree))
    if (others.every((other) => other === first)) return trees[0]!
  }
  throw new Error('the devices did not come to the same tree in 20 rounds')
}

async function addText(device: ProcessDevice, directory: string, as: string, text: string): Promise<void> {
  const source = path.join(directory, `source on ${device.name}.txt`)
  await writeFile(source, text)
  await device.must('add', source, '--as', as, '--replace')
}

async function readText(device: ProcessDevice, directory: string, shown: string): Promise<string> {
  const output = path.join(directory, `read by ${device.name}`)
  await device.must('get', shown, '-o', output)
  return readFile(output, 'utf8')
}

describe('three devices of which one is away', () => {
  it('all show the same tree afterwards, with every concurrent version', async () => {
    const directory = await temporaryDirectory()
    const devices = onLoopback(directory, ['alice', 'bob', 'carol'])
    const [alice, bob, carol] = devices
    for (const device of devices) await device.start()
    await pair(alice, bob)
    await pair(alice, carol)
    await addText(alice, directory, 'notes/plan.txt', 'the first plan')
    await addText(alice, directory, 'notes/list.txt', 'milk')
    await addText(alice, directory, 'attic/old.txt', 'dust')
    await settle(devices)

    await carol.stop()
    // Without a daemon, and so without any link, carol goes on working.
    await addText(carol, directory, 'notes/plan.txt', 'the plan of carol')
    await carol.must('mv', 'attic', 'notes/attic')
    await addText(carol, directory, 'only carol.txt', 'made alone')
    await addText(alice, directory, 'notes/plan.txt', 'the plan of alice')
    await bob.must('mv', 'notes', 'papers')
    await bob.must('rm', 'papers/list.txt')
    await addText(carol, directory, 'notes/list.txt', 'milk and bread')
    await settle([alice, bob])

    await carol.start('--peer', peerAddress(alice))
    const tree = await settle(devices)
    const files = tree.filter((entry) => entry.kind === 'file').map((entry) => entry.path)
    const texts = new Set<string>()
    for (const file of files) texts.add(await readText(bob, directory, file))
    expect([...texts].sort()).toEqual(
      ['dust', 'made alone', 'milk and bread', 'the plan of alice', 'the plan of carol'].sort(),
    )
    expect(files).toContain('papers/plan.txt')
    expect(files).toContain('papers/attic/old.txt')
    expect(files).toContain('papers/list.txt')
    expect(files.filter((file) => /^papers\/plan \(conflict from .+\)\.txt$/.test(file))).toHaveLength(1)
    expect(tree.every((entry) => entry.missingChunks === 0)).toBe(true)
  })
})
