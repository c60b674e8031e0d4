import { lstatSync, realpathSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { skipBecause } from './support/environment.ts'
import { onLan } from './support/lan.ts'
import { namespacesUnavailable, packetFilterUnavailable } from './support/network.ts'
import { pair } from './support/pairing.ts'
import { describeTree, writeLargeFile, writeRandomTree } from './support/tree.ts'

const GIB = 1024 ** 3
const installedPackages = path.resolve(import.meta.dirname, '../node_modules/.pnpm')

function isWorkspaceLink(file: string): boolean {
  return lstatSync(file).isSymbolicLink() && !realpathSync(file).startsWith(installedPackages)
}

describe('two devices on one LAN, without a server and without addresses', () => {
  it.skipIf(skipBecause(namespacesUnavailable()))(
    'find each other by mDNS, pair by ticket, and a real tree and a large file arrive identical',
    async () => {
      const directory = await temporaryDirectory()
      const { devices } = await onLan(directory, ['alice', 'bob'], { daemonArgs: ['--no-beacon'] })
      const [alice, bob] = devices
      await alice.start()
      await bob.start()
      await pair(alice, bob)

      const source = path.join(directory, 'photos')
      await writeRandomTree(path.join(source, 'made'), { files: 11_000, maxFileBytes: 16_384, seed: 1 })
      // All but the links by which the packages of this workspace see each other: they lead out of the tree.
      await cp(installedPackages, path.join(source, 'packages'), {
        filter: (file) => !isWorkspaceLink(file),
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
      })
      await writeLargeFile(path.join(source, 'film.mov'), GIB, 2)
      const added = await alice.json<{ files: number; skipped: unknown[] }>('add', source)
      expect(added.skipped).toEqual([])
      expect(added.files).toBeGreaterThan(20_000)

      // Other ports than those the ticket carried: what was remembered is of no use, only discovery is.
      await alice.stop()
      await bob.stop()
      await alice.start()
      await bob.start()
      await bob.must('sync', '--timeout', '300')
      await bob.must('get', 'photos', '-o', path.join(directory, 'arrived'))
      expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
      expect(await bob.json('verify')).toMatchObject({ damaged: [] })
    },
  )

  it.skipIf(skipBecause(packetFilterUnavailable()))(
    'find each other by the beacon where multicast is blocked',
    async () => {
      const directory = await temporaryDirectory()
      const { devices, network } = await onLan(directory, ['alice', 'bob'])
      const [alice, bob] = devices
      await network.blockMulticast()
      await alice.start()
      await bob.start()
      await pair(alice, bob)
      await alice.stop()
      await bob.stop()
      await alice.start()
      await bob.start()

      const source = path.join(directory, 'notes')
      await mkdir(source)
      await writeRandomTree(path.join(source, 'tree'), { files: 20, maxFileBytes: 1000, seed: 3 })
      await alice.must('add', source)
      await bob.must('sync', '--timeout', '300')
      await bob.must('get', 'notes', '-o', path.join(directory, 'arrived'))
      expect(await describeTree(path.join(directory, 'arrived'))).toEqual(await describeTree(source))
    },
  )
})
