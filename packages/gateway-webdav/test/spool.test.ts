import { readdir } from 'node:fs/promises'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { Spool, type SpooledBody } from '../src/spool.ts'

async function* body(pieces: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < pieces; index += 1) yield Buffer.alloc(pieceBytes, index)
}

async function read(spooled: SpooledBody): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let start = 0; start < spooled.size; start += 300_000) {
    const end = Math.min(start + 300_000, spooled.size)
    pieces.push(Buffer.from(await spooled.read({ start, end })))
  }
  return Buffer.concat(pieces)
}

describe('the spool', () => {
  it.each([
    ['nothing', 0, 0],
    ['a small body', 3, 100],
    ['as much as memory may hold', 16, 64 * 1024],
    ['more than that', 17, 64 * 1024],
    ['many megabytes', 100, 100_000],
  ])('gives back %s as it came, and leaves no file', async (_what, pieces, pieceBytes) => {
    const directory = await temporaryDirectory()
    const spooled = await new Spool(directory).receive(body(pieces, pieceBytes), 2 ** 30)
    expect(await readdir(directory)).toEqual([])
    const expected: Buffer[] = []
    for await (const piece of body(pieces, pieceBytes)) expected.push(Buffer.from(piece))
    expect(spooled.size).toBe(pieces * pieceBytes)
    expect((await read(spooled)).equals(Buffer.concat(expected))).toBe(true)
    await spooled.close()
  })

  it('keeps a body that is here already as it is', async () => {
    const spool = new Spool(await temporaryDirectory())
    const spooled = spool.keep(Buffer.from('a few words'))
    expect((await read(spooled)).toString()).toBe('a few words')
    const part = await spooled.read({ start: 2, end: 5 })
    expect(Buffer.from(part).toString()).toBe('few')
    part.fill(0)
    expect((await read(spooled)).toString()).toBe('a few words')
    await spooled.close()
  })

  it('puts also small bodies in files when many are held', async () => {
    const spool = new Spool(await temporaryDirectory())
    const held = await Promise.all(Array.from({ length: 40 }, () => spool.receive(body(1, 1024 * 1024), 2 ** 30)))
    for (const spooled of held) {
      expect((await read(spooled)).length).toBe(1024 * 1024)
      await spooled.close()
    }
  })

  it('refuses more than it was told', async () => {
    const spool = new Spool(await temporaryDirectory())
    await expect(spool.receive(body(3, 100), 299)).rejects.toMatchObject({ code: 'DITTO_LIMIT' })
  })
})
