import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { answerKnock, knock } from '../src/knock.ts'
import { readExactly } from '../src/read-exactly.ts'
import { duplexPair } from './support/duplex-pair.ts'
import { aliceCalls, bobAnswers, CONNECTIONS, linkPair, SPACE_KEYS } from './support/people.ts'

for (const { name, connect } of CONNECTIONS) {
  describe(`the knock over ${name}`, () => {
    it('leaves the bytes behind it in the stream', async () => {
      const [first, second] = await connect()
      const answering = answerKnock(second, () => SPACE_KEYS, { randomBytes }).then(() => second.write('from bob'))
      expect(await knock(first, SPACE_KEYS, { randomBytes })).toEqual(SPACE_KEYS[0]?.match)
      await answering
      first.write('from alice')
      expect((await readExactly(first, 8)).toString()).toBe('from bob')
      expect((await readExactly(second, 10)).toString()).toBe('from alice')
      first.destroy()
    })

    it('reads no byte too many when everything arrives at once', async () => {
      const [first, second] = await connect()
      first.end('exactly, and the rest')
      expect((await readExactly(second, 7)).toString()).toBe('exactly')
      expect((await readExactly(second, 14)).toString()).toBe(', and the rest')
      await expect(readExactly(second, 1)).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
      second.destroy()
    })
  })
}

it('a recorded call opens nothing a second time', async () => {
  const recorded: Buffer[] = []
  const [first, second] = duplexPair({
    onPiece: (piece, sender) => {
      if (sender === 0) recorded.push(piece)
      return piece
    },
  })
  const [link] = await linkPair([first, second])
  link.abort(new Error('recorded'))
  const received: Buffer[] = []
  const [third, fourth] = duplexPair()
  third.on('data', (bytes: Buffer) => received.push(bytes))
  const refused = expect(bobAnswers(fourth)).rejects.toMatchObject({ code: 'DITTO_KNOCK_REFUSED' })
  for (const piece of recorded) third.write(piece)
  await refused
  if (!third.closed) await once(third, 'close')
  expect(Buffer.concat(received)).toHaveLength(32)
})

it('a recorded proof convinces no caller', async () => {
  const recorded: Buffer[] = []
  const [first, second] = duplexPair({
    onPiece: (piece, sender) => {
      if (sender === 1) recorded.push(piece)
      return piece
    },
  })
  const [link] = await linkPair([first, second])
  link.abort(new Error('recorded'))
  const [third, fourth] = duplexPair()
  const refused = expect(aliceCalls(third)).rejects.toMatchObject({ code: 'DITTO_KNOCK_REFUSED' })
  for (const piece of recorded) fourth.write(piece)
  await refused
})
