import { type ByteRange, MAX_FILE_BYTES, MAX_TRANSFER_BYTES, type Volume, type VolumeHandle } from '@dittofs/interface'
import { describe, expect, test } from 'vitest'
import { pseudoRandomBytes } from './pseudo-random-bytes.ts'
import { fileWith, type OpenVolume, seededNumbers, textOf, write } from './volume-samples.ts'

const SEEDS = [11, 12, 13]
/** What random changes of a file keep within: some chunks of every chunker. */
const MODEL_BYTES = 400_000

const NEW_FILE = { mode: 0o644, rule: 'guarded' } as const

/** Reading and writing. */
export function volumeContentTests(open: OpenVolume): void {
  const openFile = async (): Promise<{ volume: Volume; handle: VolumeHandle }> => {
    const volume = await open()
    const { handle } = await volume.create(volume.root, 'f', NEW_FILE)
    return { volume, handle }
  }

  describe('read and write', () => {
    test('shows at once what was written, committed or not', async () => {
      const { volume, handle } = await openFile()
      expect(await volume.read(handle, { offset: 0, length: 10 })).toMatchObject({ isEnd: true })
      expect(await write(volume, handle, 0, 'hello world')).toMatchObject({ size: 11, heldBytes: 11 })
      expect(await textOf(volume, handle)).toBe('hello world')
      await volume.commit(handle)
      expect(await textOf(volume, handle)).toBe('hello world')
      await write(volume, handle, 6, 'WOR')
      expect(await textOf(volume, handle)).toBe('hello WORld')
    })

    test('tells where a file ends', async () => {
      const { volume, handle } = await openFile()
      await write(volume, handle, 0, 'abcdef')
      const reading = async (offset: number, length: number) => {
        const { bytes, isEnd } = await volume.read(handle, { offset, length })
        return [Buffer.from(bytes).toString(), isEnd]
      }
      expect(await reading(0, 5)).toEqual(['abcde', false])
      expect(await reading(0, 6)).toEqual(['abcdef', true])
      expect(await reading(4, 100)).toEqual(['ef', true])
      expect(await reading(6, 1)).toEqual(['', true])
      expect(await reading(10 ** 12, 1)).toEqual(['', true])
    })

    test('fills what was never written with zeros', async () => {
      const { volume, handle } = await openFile()
      await write(volume, handle, 300_000, 'end')
      await write(volume, handle, 100_000, 'middle')
      const check = async () => {
        const { bytes } = await volume.read(handle, { offset: 0, length: MAX_TRANSFER_BYTES })
        const expected = Buffer.alloc(300_003)
        expected.write('middle', 100_000)
        expected.write('end', 300_000)
        expect(expected.equals(bytes)).toBe(true)
      }
      await check()
      await volume.commit(handle)
      await check()
    })

    test('shows zeros, not old bytes, where a file was cut off and made longer again', async () => {
      const { volume, handle } = await openFile()
      await write(volume, handle, 0, 'secret text')
      await volume.commit(handle)
      expect(await volume.setAttributes(handle, { size: 3 })).toMatchObject({ size: 3 })
      expect(await volume.setAttributes(handle, { size: 6 })).toMatchObject({ size: 6 })
      expect(await textOf(volume, handle)).toBe('sec\0\0\0')
      await volume.commit(handle)
      expect(await textOf(volume, handle)).toBe('sec\0\0\0')
      await volume.setAttributes(handle, { size: 0 })
      await write(volume, handle, 2, 'x')
      expect(await textOf(volume, handle)).toBe('\0\0x')
    })

    test('leaves what it was given, and what it gave, to the caller', async () => {
      const { volume, handle } = await openFile()
      const given = Buffer.from('mine')
      await volume.write(handle, given, { offset: 0, isStable: false })
      given.fill(0)
      const { bytes } = await volume.read(handle, { offset: 0, length: 4 })
      bytes.fill(1)
      expect(await textOf(volume, handle)).toBe('mine')
    })

    test('takes calls on one file in the order in which they were made', async () => {
      const { volume, handle } = await openFile()
      const reads: Promise<string>[] = []
      const others: Promise<unknown>[] = []
      for (let at = 0; at < 40; at++) {
        others.push(write(volume, handle, 0, String(at).padStart(4, '0')))
        reads.push(textOf(volume, handle))
        if (at % 10 === 5) others.push(volume.commit(handle))
        if (at % 10 === 7) others.push(volume.setAttributes(handle, { size: 4 }))
      }
      await Promise.all(others)
      expect(await Promise.all(reads)).toEqual(Array.from({ length: 40 }, (_, at) => String(at).padStart(4, '0')))
    })

    test('of nothing changes nothing', async () => {
      const { volume, handle } = await openFile()
      expect(await write(volume, handle, 100, '')).toMatchObject({ size: 0 })
    })

    test.each([
      [-1, 1],
      [1.5, 1],
      [0, 0],
      [0, MAX_TRANSFER_BYTES + 1],
      [Number.NaN, 1],
      [0, Number.POSITIVE_INFINITY],
    ])('refuses to read from %d on %d bytes', async (offset, length) => {
      const { volume, handle } = await openFile()
      await expect(volume.read(handle, { offset, length })).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
    })

    test.each([
      [-1, 1],
      [1.5, 1],
      [MAX_FILE_BYTES, 1],
      [0, MAX_TRANSFER_BYTES + 1],
    ])('refuses to write from %d on %d bytes', async (offset, length) => {
      const { volume, handle } = await openFile()
      const writing = volume.write(handle, new Uint8Array(length), { offset, isStable: false })
      await expect(writing).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
      expect(await volume.attributes(handle)).toMatchObject({ size: 0 })
    })

    test('refuses directories and symlinks', async () => {
      const { volume } = await openFile()
      const { handle: link } = await volume.makeSymlink(volume.root, 'l', 'f')
      const options = { offset: 0, length: 1 }
      await expect(volume.read(volume.root, options)).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(volume.read(link, options)).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
      await expect(write(volume, volume.root, 0, 'x')).rejects.toMatchObject({ code: 'DITTO_IS_DIRECTORY' })
      await expect(write(volume, link, 0, 'x')).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
    })

    test('ends with the signal’s own reason', async () => {
      const volume = await open()
      const handle = await fileWith(volume, volume.root, 'f', 'text')
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(volume.read(handle, { offset: 0, length: 1, signal })).rejects.toThrow('enough')
      const writing = volume.write(handle, Buffer.from('x'), { offset: 0, isStable: false, signal })
      await expect(writing).rejects.toThrow('enough')
      expect(await textOf(volume, handle)).toBe('text')
    })

    test.each(SEEDS)('keeps a file as a plain array of bytes would (seed %d)', async (seed) => {
      const { volume, handle } = await openFile()
      const draw = seededNumbers(seed)
      let model = Buffer.alloc(0)
      for (let step = 0; step < 60; step++) {
        const kind = draw(8)
        if (kind < 4) {
          const offset = draw(MODEL_BYTES)
          const bytes = pseudoRandomBytes(seed * 1000 + step, 1 + draw(kind === 0 ? 150_000 : 5000))
          await volume.write(handle, bytes, { offset, isStable: false })
          const grown = Buffer.alloc(Math.max(model.length, offset + bytes.length))
          model.copy(grown)
          grown.set(bytes, offset)
          model = grown
        } else if (kind === 4) {
          const size = draw(MODEL_BYTES)
          await volume.setAttributes(handle, { size })
          const sized = Buffer.alloc(size)
          model.copy(sized)
          model = sized
        } else if (kind === 5) {
          await volume.commit(handle)
        } else {
          const offset = draw(MODEL_BYTES)
          const { bytes, isEnd } = await volume.read(handle, { offset, length: 1 + draw(100_000) })
          expect(model.subarray(offset, offset + bytes.length).equals(bytes)).toBe(true)
          expect(isEnd).toBe(offset + bytes.length >= model.length)
        }
        expect((await volume.attributes(handle)).size).toBe(model.length)
      }
      await volume.commit(handle)
      const { bytes } = await volume.read(handle, { offset: 0, length: MAX_TRANSFER_BYTES })
      expect(model.equals(bytes)).toBe(true)
    })
  })

  describe('a content that comes as a whole', () => {
    const sourceOf = (bytes: Uint8Array) => ({
      size: bytes.length,
      read: async ({ start, end }: ByteRange) => Uint8Array.prototype.slice.call(bytes, start, end),
    })

    test.each([0, 1, 4096, 3_000_000])(
      'of %d bytes is a new file’s, with its time, or takes the place of another',
      async (size) => {
        const volume = await open()
        const bytes = pseudoRandomBytes(size, size)
        const made = await volume.createWithContent(volume.root, 'f', sourceOf(bytes), { mode: 0o640, mtimeNs: 7n })
        expect(made.attributes).toMatchObject({ kind: 'file', size, mode: 0o640, mtimeNs: 7n })
        const { handle } = await volume.create(volume.root, 'g', NEW_FILE)
        await write(volume, handle, 0, 'committed')
        await volume.commit(handle)
        await write(volume, handle, 0, 'not committed, and longer')
        expect(await volume.replaceContent(handle, sourceOf(bytes), { mtimeNs: 8n })).toMatchObject({
          size,
          mtimeNs: 8n,
        })
        await volume.commit(handle)
        for (const one of [made.handle, handle]) {
          const parts: Uint8Array[] = []
          for (let offset = 0; offset < size; offset += MAX_TRANSFER_BYTES) {
            const read = await volume.read(one, { offset, length: MAX_TRANSFER_BYTES })
            expect(read.changeTag).toBe((await volume.attributes(one)).changeTag)
            parts.push(read.bytes)
          }
          expect(Buffer.concat(parts).equals(bytes)).toBe(true)
          expect(await volume.attributes(one)).toMatchObject({ size })
        }
      },
    )

    test('that ends before its time, or fails, leaves everything as it was', async () => {
      const volume = await open()
      const { handle } = await volume.create(volume.root, 'f', NEW_FILE)
      await write(volume, handle, 0, 'whole')
      const before = await volume.commit(handle)
      const short = { size: 100_000, read: async () => new Uint8Array(3) }
      const failing = { size: 100_000, read: () => Promise.reject(new RangeError('cut')) }
      await expect(volume.replaceContent(handle, short)).rejects.toMatchObject({ code: 'DITTO_IO' })
      await expect(volume.replaceContent(handle, failing)).rejects.toThrow('cut')
      await expect(volume.createWithContent(volume.root, 'new', failing, { mode: 0o644 })).rejects.toThrow('cut')
      expect(await volume.attributes(handle)).toEqual(before)
      expect(await textOf(volume, handle)).toBe('whole')
      await expect(volume.lookup(volume.root, 'new')).rejects.toMatchObject({ code: 'DITTO_NOT_FOUND' })
    })

    test('is refused where the name is taken, or it is a directory', async () => {
      const volume = await open()
      const directory = await volume.makeDirectory(volume.root, 'd', 0o755)
      const source = sourceOf(Buffer.from('text'))
      await expect(volume.replaceContent(directory.handle, source)).rejects.toMatchObject({
        code: 'DITTO_IS_DIRECTORY',
      })
      const making = volume.createWithContent(volume.root, 'd', source, { mode: 0o644 })
      await expect(making).rejects.toMatchObject({ code: 'DITTO_EXISTS' })
      const twice = [1, 2].map(() => volume.createWithContent(volume.root, 'f', source, { mode: 0o644 }))
      const outcomes = await Promise.allSettled(twice)
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    })
  })
}
