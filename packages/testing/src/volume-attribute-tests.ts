import { describe, expect, test } from 'vitest'
import { fileWith, type OpenVolume, textOf, write } from './volume-samples.ts'

/** What a node tells of itself. */
export function volumeAttributeTests(open: OpenVolume): void {
  describe('attributes', () => {
    test('are what a node was made with', async () => {
      const volume = await open()
      const file = await volume.create(volume.root, 'f', { mode: 0o640, rule: 'guarded' })
      expect(file.attributes).toMatchObject({ kind: 'file', mode: 0o640, size: 0, heldBytes: 0 })
      const directory = await volume.makeDirectory(volume.root, 'd', 0o710)
      expect(directory.attributes).toMatchObject({ kind: 'directory', mode: 0o710, size: 0 })
      const ids = [volume.root, file.handle, directory.handle].map((handle) => volume.attributes(handle))
      const all = await Promise.all(ids)
      expect(new Set(all.map(({ fileId }) => fileId)).size).toBe(3)
      for (const { fileId, mtimeNs, ctimeNs } of all) {
        expect(fileId >= 1n && fileId < 2n ** 64n).toBe(true)
        expect(ctimeNs >= mtimeNs).toBe(true)
      }
    })

    test('take a mode and a time, to the nanosecond', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      const directory = await volume.makeDirectory(volume.root, 'd', 0o755)
      for (const one of [handle, directory.handle]) {
        const changed = await volume.setAttributes(one, { mode: 0o701, mtimeNs: 1_600_000_000_123_456_789n })
        expect(changed).toMatchObject({ mode: 0o701, mtimeNs: 1_600_000_000_123_456_789n })
        expect(await volume.attributes(one)).toEqual(changed)
        expect((await volume.setAttributes(one, { mode: 0o777 })).mtimeNs).toBe(1_600_000_000_123_456_789n)
        await volume.setAttributes(one, { mtimeNs: -1n })
        expect(await volume.attributes(one)).toMatchObject({ mode: 0o777, mtimeNs: -1n })
      }
      expect(await textOf(volume, handle)).toBe('text')
      const link = await volume.makeSymlink(volume.root, 'l', 'f')
      expect(await volume.setAttributes(link.handle, { mtimeNs: 5n })).toMatchObject({ mtimeNs: 5n })
      expect(await volume.readLink(link.handle)).toBe('f')
    })

    test('keep a time that was set until the next write, over commits', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      await volume.setAttributes(handle, { mtimeNs: 7n })
      expect((await volume.commit(handle)).mtimeNs).toBe(7n)
      const { mtimeNs } = await write(volume, handle, 0, 'T')
      expect(mtimeNs > 7n).toBe(true)
      expect((await volume.commit(handle)).mtimeNs).toBe(mtimeNs)
    })

    test('of a directory are those after every change of a name in it that was asked for before', async () => {
      const volume = await open()
      const before = await volume.attributes(volume.root)
      const made = volume.create(volume.root, 'f', { mode: 0o600, rule: 'guarded' })
      const between = await volume.attributes(volume.root)
      await made
      expect(between.changeTag).not.toBe(before.changeTag)
      expect(await volume.attributes(volume.root)).toEqual(between)
      const removed = volume.removeFile(volume.root, 'f')
      expect((await volume.attributes(volume.root)).changeTag).not.toBe(between.changeTag)
      await removed
    })

    test('tell a directory’s change when a name comes, moves or goes', async () => {
      const volume = await open()
      const d = await volume.makeDirectory(volume.root, 'd', 0o755)
      const steps = [
        () => volume.create(d.handle, 'f', { mode: 0o600, rule: 'guarded' }),
        () => volume.rename(d.handle, 'f', d.handle, 'g'),
        () => volume.rename(d.handle, 'g', volume.root, 'g'),
        () => volume.rename(volume.root, 'g', d.handle, 'h'),
        () => volume.removeFile(d.handle, 'h'),
      ]
      const tags = new Set([d.attributes.changeTag])
      for (const step of steps) {
        await volume.setAttributes(d.handle, { mtimeNs: 1n })
        const before = await volume.attributes(d.handle)
        await step()
        const after = await volume.attributes(d.handle)
        expect(after.mtimeNs > before.mtimeNs).toBe(true)
        expect(tags.has(after.changeTag)).toBe(false)
        tags.add(after.changeTag)
      }
    })

    test('have another change tag after each change, and none without one', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      const { changeTag } = await volume.commit(handle)
      expect(changeTag).toMatch(/^[0-9a-zA-Z._:-]{1,64}$/)
      await volume.read(handle, { offset: 0, length: 10 })
      await volume.rename(volume.root, 'f', volume.root, 'g')
      expect((await volume.attributes(handle)).changeTag).toBe(changeTag)
      const tags = new Set([changeTag])
      const steps = [
        () => write(volume, handle, 0, 'a'),
        () => write(volume, handle, 0, 'a'),
        () => volume.setAttributes(handle, { size: 2 }),
        () => volume.setAttributes(handle, { mode: 0o600 }),
        () => volume.setAttributes(handle, { mtimeNs: 3n }),
        () => volume.write(handle, Buffer.from('b'), { offset: 0, isStable: true }),
        () => volume.setAttributes(handle, { mode: 0o640 }),
      ]
      for (const [index, step] of steps.entries()) {
        await step()
        tags.add((await volume.attributes(handle)).changeTag)
        expect(tags.size).toBe(index + 2)
      }
    })

    test('have another content tag after each change of content, and none after one of attributes', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      const tagNow = async (): Promise<string> => (await volume.attributes(handle)).contentTag
      await volume.commit(handle)
      const tags = new Set([await tagNow()])
      const contents = [
        () => write(volume, handle, 0, 'a'),
        () => write(volume, handle, 0, 'b'),
        () => volume.setAttributes(handle, { size: 2 }),
        () => volume.write(handle, Buffer.from('c'), { offset: 0, isStable: true }),
        () => volume.replaceContent(handle, { size: 1, read: async () => Uint8Array.of(1) }),
      ]
      for (const [index, step] of contents.entries()) {
        await step()
        tags.add(await tagNow())
        expect(tags.size).toBe(index + 2)
        const tag = await tagNow()
        expect(tag).toMatch(/^[0-9a-zA-Z._:-]{1,64}$/)
        await volume.setAttributes(handle, { mode: index % 2 === 0 ? 0o755 : 0o644 })
        await volume.setAttributes(handle, { mtimeNs: BigInt(index) })
        expect(await tagNow()).toBe(tag)
      }
    })

    test.each([-1, 1.5, Number.NaN, 2 ** 44 + 1])('refuse a size of %d', async (size) => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      await expect(volume.setAttributes(handle, { size })).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
      expect(await textOf(volume, handle)).toBe('text')
    })

    test('refuse a size of what is no file', async () => {
      const volume = await open()
      const link = await volume.makeSymlink(volume.root, 'l', 'f')
      const sizing = volume.setAttributes(volume.root, { size: 0 })
      await expect(sizing).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(volume.setAttributes(link.handle, { size: 0 })).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    })
  })
}
