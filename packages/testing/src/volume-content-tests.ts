import { MAX_FILE_BYTES, MAX_TRANSFER_BYTES, type Volume, type VolumeHandle } from '@dittofs/interface'
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
}
