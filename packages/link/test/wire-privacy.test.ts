import { X509Certificate } from 'node:crypto'
import { deviceKey } from '@dittofs/interface'
import { expect, it } from 'vitest'
import { knockKey } from '../src/index.ts'
import { duplexPair } from './support/duplex-pair.ts'
import { alice, bob, linkPair, MEET, SPACE_KEYS } from './support/people.ts'

it('shows no key, ID, name or content to somebody who reads along', async () => {
  const wire: Buffer[] = []
  const pair = duplexPair({
    onPiece: (piece) => {
      wire.push(piece)
      return piece
    },
  })
  const [toBob, toAlice] = await linkPair(pair)
  toBob.send(Buffer.from('holiday pictures'))
  toAlice.send(Buffer.from('holiday pictures'))
  for (const link of [toBob, toAlice]) await link.frames()[Symbol.asyncIterator]().next()
  await toBob.close()

  const seen = Buffer.concat(wire)
  // What a link is made of does show, or the search would prove nothing.
  expect(seen.includes('dittofs/1')).toBe(true)
  const secrets: (string | Uint8Array)[] = ['holiday', 'CN=dittofs', 'home', 'localhost', MEET, knockKey(MEET, 'knock')]
  for (const { key, id, publicKey, certificatePem } of [alice, bob]) {
    secrets.push(key, id, id.replaceAll('-', ''), publicKey, new X509Certificate(certificatePem).raw)
  }
  for (const secret of secrets) expect(seen.includes(Buffer.from(secret)), String(secret)).toBe(false)
  for (const { match } of SPACE_KEYS) expect(seen.includes(match.name)).toBe(false)
  for (const key of [alice.key, bob.key]) {
    // Nor a part of a key, such as one in another encoding would share.
    const bytes = Buffer.from(deviceKey.toBytes(key))
    for (let at = 0; at + 8 <= bytes.length; at++) expect(seen.includes(bytes.subarray(at, at + 8))).toBe(false)
  }
})

it.each([0, 1] as const)('ends both ends when a byte from end %i is changed on the way', async (sender) => {
  let isTampering = false
  const pair = duplexPair({
    onPiece: (piece, from) => {
      if (isTampering && from === sender) piece[piece.length - 1] = (piece.at(-1) as number) ^ 1
      return piece
    },
  })
  const links = await linkPair(pair)
  isTampering = true
  links[sender].send(Buffer.from('changed on the way'))
  const reading = links[sender === 0 ? 1 : 0].frames()[Symbol.asyncIterator]().next()
  await expect(reading).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
  for (const link of links) expect(await link.closed).toMatchObject({ code: 'DITTO_LINK_CUT' })
})
