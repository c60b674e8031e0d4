import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { onLoopback } from './support/lan.ts'
import { pair, peerAddress } from './support/pairing.ts'
import { writeLargeFile } from './support/tree.ts'

const MIB = 1024 ** 2

interface Space {
  missingBytes: number
  growth?: { device: { name: string }; waitingBytes: number; grownBytes: number }[]
}

interface Synced {
  waiting: { space: { name: string }; waitsFor: string; bytes: number }[]
}

describe('a device that another one fills', () => {
  it('takes what its settings allow, waits for a person over a kill, and then takes the rest', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await mkdir(bob.home, { mode: 0o700 })
    await writeFile(path.join(bob.home, 'config.toml'), 'growth_limit = "2 MiB"\n')
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    await writeLargeFile(path.join(directory, 'film.mov'), 8 * MIB, 1)
    await alice.must('add', path.join(directory, 'film.mov'))
    const synced = await bob.json<Synced>('sync', '--timeout', '300')
    expect(synced.waiting.map(({ waitsFor }) => waitsFor)).toEqual(['accept'])
    expect(synced.waiting[0]?.bytes).toBeGreaterThan(0)
    const [held] = await bob.json<Space[]>('spaces')
    expect(held?.growth).toMatchObject([{ device: { name: 'alice' } }])
    expect(held?.growth?.[0]?.grownBytes).toBeLessThanOrEqual(2 * MIB)
    expect(await bob.must('status')).toContain('dittofs accept')

    await bob.kill()
    await bob.start('--peer', peerAddress(alice))
    await bob.must('sync', '--timeout', '300')
    expect((await bob.json<Space[]>('spaces'))[0]?.missingBytes).toBeGreaterThan(5 * MIB)

    await bob.must('accept', 'home')
    expect(await bob.must('sync', '--timeout', '300')).toContain('up to date')
    const [all] = await bob.json<Space[]>('spaces')
    expect(all?.missingBytes).toBe(0)
    expect(all).not.toHaveProperty('growth')
  })

  it('says after a sync what waits for room on the disk, and is done', async () => {
    const directory = await temporaryDirectory()
    const [alice, bob] = onLoopback(directory, ['alice', 'bob'])
    await mkdir(bob.home, { mode: 0o700 })
    await writeFile(path.join(bob.home, 'config.toml'), 'reserve = "900000 GiB"\n')
    await alice.start()
    await bob.start()
    await pair(alice, bob)
    await writeLargeFile(path.join(directory, 'film.mov'), 2 * MIB, 1)
    await alice.must('add', path.join(directory, 'film.mov'))
    const { waiting } = await bob.json<Synced>('sync', '--timeout', '300')
    expect(waiting).toMatchObject([{ space: { name: 'home' }, waitsFor: 'room' }])
    expect(await bob.must('sync', '--timeout', '300')).not.toContain('up to date')
  })
})
