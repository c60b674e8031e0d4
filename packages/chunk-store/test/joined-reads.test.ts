import { describe, expect, it } from 'vitest'
import { JoinedReads } from '../src/joined-reads.ts'

const key = (text: string) => Buffer.from(text)

/** A database that answers each read only when it is told to, with the keys themselves. */
function heldReads() {
  const asked: { keys: string[]; answer: () => void; fail: (error: Error) => void }[] = []
  const reads = new JoinedReads(
    (keys) =>
      new Promise((resolve, reject) => {
        const answer = () => resolve(keys.map((one) => (one.length === 0 ? undefined : one)))
        asked.push({ keys: keys.map((one) => Buffer.from(one).toString()), answer, fail: reject })
      }),
  )
  return { asked, reads }
}

const texts = (values: (Uint8Array | undefined)[]) => values.map((one) => one && Buffer.from(one).toString())

describe('JoinedReads', () => {
  it('reads at once when nothing else is read, and joins what is asked for meanwhile', async () => {
    const { asked, reads } = heldReads()
    const first = reads.getMany([key('a')])
    const [second, third] = [reads.getMany([key('b'), key('')]), reads.getMany([key('c')])]
    expect(asked.map(({ keys }) => keys)).toEqual([['a']])
    asked[0]?.answer()
    expect(texts(await first)).toEqual(['a'])
    await expect.poll(() => asked.length).toBe(2)
    expect(asked[1]?.keys).toEqual(['b', '', 'c'])
    asked[1]?.answer()
    expect(texts(await second)).toEqual(['b', undefined])
    expect(texts(await third)).toEqual(['c'])
  })

  it('fails those that were joined, and reads on for others', async () => {
    const { asked, reads } = heldReads()
    const first = reads.getMany([key('a')])
    const joined = [reads.getMany([key('b')]), reads.getMany([key('c')])]
    asked[0]?.answer()
    await first
    await expect.poll(() => asked.length).toBe(2)
    const later = reads.getMany([key('d')])
    asked[1]?.fail(new Error('the disk is gone'))
    for (const one of joined) await expect(one).rejects.toThrow('the disk is gone')
    await expect.poll(() => asked.length).toBe(3)
    asked[2]?.answer()
    expect(texts(await later)).toEqual(['d'])
  })

  it('lets many keys be read for themselves, so that nobody waits behind them', async () => {
    const { asked, reads } = heldReads()
    const small = reads.getMany([key('a')])
    const many = reads.getMany(Array.from({ length: 1024 }, (_, nth) => key(`${nth}`)))
    expect(asked.map(({ keys }) => keys.length)).toEqual([1, 1024])
    for (const { answer } of asked) answer()
    expect(texts(await small)).toEqual(['a'])
    expect(await many).toHaveLength(1024)
  })
})
