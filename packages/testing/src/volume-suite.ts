import type { Volume, VolumeHandle } from '@dittofs/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { volumeAttributeTests } from './volume-attribute-tests.ts'
import { volumeContentTests } from './volume-content-tests.ts'
import { volumeListingTests } from './volume-listing-tests.ts'
import { textOf, write } from './volume-samples.ts'
import { volumeTreeTests } from './volume-tree-tests.ts'

export interface VolumeSuiteInit<Subject extends Volume> {
  /** A new, empty volume. */
  setup: (options: { isReadOnly: boolean }) => Promise<Subject>
  /** Closes it and removes what it left. */
  teardown: (volume: Subject) => Promise<void>
  /** The same volume after its process ended without a word and was started again. */
  restart: (volume: Subject) => Promise<Subject>
  /** After it every call is refused. */
  close: (volume: Subject) => Promise<void>
}

/** Holds an implementation of Volume to its contract. */
export function volumeSuite<Subject extends Volume>(name: string, init: VolumeSuiteInit<Subject>): void {
  describe(`${name}, as a volume`, () => {
    const volumes = new Set<Subject>()
    const open = async (isReadOnly = false): Promise<Subject> => {
      const volume = await init.setup({ isReadOnly })
      volumes.add(volume)
      return volume
    }
    const restart = async (volume: Volume): Promise<Volume> => {
      volumes.delete(volume as Subject)
      const again = await init.restart(volume as Subject)
      volumes.add(again)
      return again
    }
    afterEach(async () => {
      for (const volume of volumes) await init.teardown(volume)
      volumes.clear()
    })

    describe('all calls', () => {
      const changes: readonly (readonly [string, (volume: Volume, root: VolumeHandle) => Promise<unknown>])[] = [
        ['write', (volume, root) => volume.write(root, Uint8Array.of(1), { offset: 0, isStable: false })],
        ['setAttributes', (volume, root) => volume.setAttributes(root, { mode: 0o700 })],
        ['create', (volume, root) => volume.create(root, 'f', { mode: 0o600, rule: 'unchecked' })],
        ['makeDirectory', (volume, root) => volume.makeDirectory(root, 'd', 0o700)],
        ['makeSymlink', (volume, root) => volume.makeSymlink(root, 'l', 'f')],
        ['removeFile', (volume, root) => volume.removeFile(root, 'f')],
        ['removeDirectory', (volume, root) => volume.removeDirectory(root, 'd')],
        ['removeTree', (volume, root) => volume.removeTree(root, 'd')],
        ['rename', (volume, root) => volume.rename(root, 'f', root, 'g')],
        ['copyFile', (volume, root) => volume.copyFile(root, root, 'f')],
      ]
      const reads: readonly (readonly [string, (volume: Volume, root: VolumeHandle) => Promise<unknown>])[] = [
        ['attributes', (volume, root) => volume.attributes(root)],
        ['lookup', (volume, root) => volume.lookup(root, 'f')],
        ['parent', (volume, root) => volume.parent(root)],
        ['path', (volume, root) => volume.path(root)],
        ['readDirectory', (volume, root) => volume.readDirectory(root, { after: 0n, limit: 1 })],
        ['readLink', (volume, root) => volume.readLink(root)],
        ['read', (volume, root) => volume.read(root, { offset: 0, length: 1 })],
        ['commit', (volume, root) => volume.commit(root)],
        ['statistics', (volume) => volume.statistics()],
      ]

      test.each(changes)('refuses %s where the device may only read', async (_name, change) => {
        const volume = await open(true)
        expect(volume.isReadOnly).toBe(true)
        await expect(change(volume, volume.root)).rejects.toMatchObject({ code: 'DITTO_ROLE' })
        expect((await volume.readDirectory(volume.root, { after: 0n, limit: 10 })).entries).toEqual([])
      })

      test('refuses every call after it was closed', async () => {
        const volume = await open()
        await init.close(volume)
        for (const [, call] of [...reads, ...changes]) {
          await expect(call(volume, volume.root)).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
        }
      })

      test('answers 1,000 calls at once', async () => {
        const volume = await open()
        const { root } = volume
        const made = await Promise.all(
          Array.from({ length: 1000 }, (_, at) => volume.create(root, `f${at}`, { mode: 0o644, rule: 'guarded' })),
        )
        expect(new Set(made.map(({ handle }) => handle)).size).toBe(1000)
        expect(new Set(made.map(({ attributes }) => attributes.fileId)).size).toBe(1000)
        expect(await volume.statistics()).toMatchObject({ files: 1000, usedBytes: 0 })
      })

      test('counts files and their bytes, written or committed', async () => {
        const volume = await open()
        const file = await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
        await write(volume, file.handle, 0, 'five!')
        const { files, usedBytes, totalBytes, freeBytes } = await volume.statistics()
        expect({ files, usedBytes }).toEqual({ files: 1, usedBytes: 5 })
        expect(totalBytes).toBeGreaterThanOrEqual(freeBytes)
      })
    })

    describe('restart', () => {
      test('keeps what was committed, and the handles, and tells by its verifier that it began anew', async () => {
        const volume = await open()
        const { root } = volume
        const directory = await volume.makeDirectory(root, 'd', 0o755)
        const file = await volume.create(directory.handle, 'f', { mode: 0o640, rule: 'guarded' })
        await write(volume, file.handle, 0, 'kept')
        const { changeTag } = await volume.commit(file.handle)
        const before = volume.writeVerifier
        expect(before).toHaveLength(8)

        const again = await restart(volume)
        expect(Buffer.from(again.writeVerifier).equals(Buffer.from(before))).toBe(false)
        expect(again.root).toBe(root)
        expect(await again.path(file.handle)).toEqual(['d', 'f'])
        const attributes = await again.attributes(file.handle)
        expect(attributes).toMatchObject({ size: 4, mode: 0o640, fileId: file.attributes.fileId, changeTag })
        expect(await textOf(again, file.handle)).toBe('kept')
      })

      test('keeps what was written as stable, and all written to the file before', async () => {
        const volume = await open()
        const file = await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
        await write(volume, file.handle, 0, 'before ')
        await volume.write(file.handle, Buffer.from('stable'), { offset: 7, isStable: true })
        const again = await restart(volume)
        expect(await textOf(again, file.handle)).toBe('before stable')
      })

      test('never shows a mix of what was committed and what was not', async () => {
        const volume = await open()
        const file = await volume.create(volume.root, 'f', { mode: 0o644, rule: 'guarded' })
        await write(volume, file.handle, 0, 'aaaa')
        await volume.commit(file.handle)
        await write(volume, file.handle, 0, 'bb')
        await write(volume, file.handle, 2, 'bb')
        const again = await restart(volume)
        expect(['aaaa', 'bbbb']).toContain(await textOf(again, file.handle))
      })

      test('keeps the cookies of a listing', async () => {
        const volume = await open()
        for (const name of ['a', 'b', 'c', 'd']) await volume.makeDirectory(volume.root, name, 0o755)
        const { entries } = await volume.readDirectory(volume.root, { after: 0n, limit: 10 })
        const again = await restart(volume)
        const after = entries[1]?.cookie as bigint
        const rest = await again.readDirectory(volume.root, { after, limit: 10 })
        expect(rest.entries.map(({ name, cookie }) => ({ name, cookie }))).toEqual(
          entries.slice(2).map(({ name, cookie }) => ({ name, cookie })),
        )
      })
    })

    volumeTreeTests(open)
    volumeListingTests(open)
    volumeContentTests(open)
    volumeAttributeTests(open)
  })
}
