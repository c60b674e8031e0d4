import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, TLSSocketOptions } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { answerKnock, knock } from '../src/knock.ts'
import { ANSWER_BYTES, CALL_BYTES, CHALLENGE_BYTES } from '../src/knock-codec.ts'
import { readExactly } from '../src/read-exactly.ts'
import { answerThenTls, knockThenTls, makeRsaCertificate } from './support/hostile.ts'
import { alice, aliceCalls, bob, bobAnswers, CONNECTIONS, mallory, SPACE_KEYS } from './support/people.ts'

const rsa = await makeRsaCertificate()
const malloryCertificate = { key: mallory.keyPem, cert: mallory.certificatePem }
/** Nothing waits so long but what is stuck: a busy machine takes its time. */
const PATIENT = { knockTimeoutMs: 30_000, tlsTimeoutMs: 30_000 }
/** Short only where silence is to be waited for, and only in the part that stays silent. */
function limitsFor(what: string, part: 'knock' | 'tls'): typeof PATIENT {
  return what === 'silence' ? { ...PATIENT, [`${part}TimeoutMs`]: 150 } : PATIENT
}

/** What TLS itself lets in, or not, and what becomes of it. */
const HOSTILE_CALLERS: readonly (readonly [string, ConnectionOptions, string])[] = [
  ['without a certificate', { key: undefined, cert: undefined }, 'DITTO_PEER_UNTRUSTED'],
  ['with an RSA certificate', rsa, 'DITTO_PEER_UNTRUSTED'],
  ['with a key that is not expected', malloryCertificate, 'DITTO_PEER_UNTRUSTED'],
  ['without ALPN', { ALPNProtocols: [] }, 'DITTO_PEER_UNTRUSTED'],
  ['with another ALPN', { ALPNProtocols: ['h2'] }, 'DITTO_LINK_CUT'],
  ['with TLS 1.2', { maxVersion: 'TLSv1.2' }, 'DITTO_LINK_CUT'],
]
const HOSTILE_ANSWERERS: readonly (readonly [string, TLSSocketOptions, string])[] = [
  ['without a certificate', { key: undefined, cert: undefined }, 'DITTO_LINK_CUT'],
  ['with an RSA certificate', rsa, 'DITTO_PEER_UNTRUSTED'],
  ['with a key that is not expected', malloryCertificate, 'DITTO_PEER_UNTRUSTED'],
  ['without ALPN', { ALPNProtocols: [] }, 'DITTO_PEER_UNTRUSTED'],
  ['with another ALPN', { ALPNProtocols: ['h2'] }, 'DITTO_LINK_CUT'],
  ['with TLS 1.2', { maxVersion: 'TLSv1.2' }, 'DITTO_LINK_CUT'],
]

/** Bad behaviour that needs no TLS. `atTls` of a caller or answerer comes after a knock that was right. */
const BEHAVIOURS: readonly (readonly [string, (duplex: Duplex) => void])[] = [
  ['silence', () => undefined],
  ['garbage', (duplex) => duplex.write(randomBytes(4096))],
  ['an end', (duplex) => duplex.end()],
  ['sudden death', (duplex) => duplex.destroy()],
]
const AT_KNOCK: Readonly<Record<string, string>> = {
  silence: 'DITTO_LINK_TIMEOUT',
  garbage: 'DITTO_KNOCK_REFUSED',
  'an end': 'DITTO_LINK_CUT',
  'sudden death': 'DITTO_LINK_CUT',
}
const AT_TLS: Readonly<Record<string, string>> = { ...AT_KNOCK, garbage: 'DITTO_LINK_CUT' }

const uncaught: unknown[] = []
const collect = (error: unknown) => uncaught.push(error)
process.on('uncaughtExceptionMonitor', collect)
afterEach(() => {
  expect(uncaught).toEqual([])
})

for (const { name, connect } of CONNECTIONS) {
  describe(`over ${name}`, () => {
    for (const [how, options, code] of HOSTILE_CALLERS) {
      it(`refuses a caller ${how}`, async () => {
        const [first, second] = await connect()
        const answered = expect(bobAnswers(second, { limits: PATIENT })).rejects.toMatchObject({ code })
        await knockThenTls(first, options)
        await answered
        await gone(second)
        first.destroy()
      })
    }

    for (const [how, options, code] of HOSTILE_ANSWERERS) {
      it(`refuses an answer ${how}`, async () => {
        const [first, second] = await connect()
        const called = expect(aliceCalls(first, { limits: PATIENT })).rejects.toMatchObject({ code })
        await answerThenTls(second, options)
        await called
        await gone(first)
        second.destroy()
      })
    }

    for (const [what, behave] of BEHAVIOURS) {
      it(`survives ${what} of a caller before the knock`, async () => {
        const [first, second] = await connect()
        const seen = collectBytes(first)
        const answered = expect(bobAnswers(second, { limits: limitsFor(what, 'knock') })).rejects.toMatchObject({
          code: AT_KNOCK[what],
        })
        behave(first)
        await answered
        await gone(second)
        expect(seen.bytes).toBeLessThanOrEqual(CHALLENGE_BYTES)
        first.destroy()
      })

      it(`survives ${what} of a caller after the knock`, async () => {
        const [first, second] = await connect()
        const answered = expect(bobAnswers(second, { limits: limitsFor(what, 'tls') })).rejects.toMatchObject({
          code: AT_TLS[what],
        })
        await knock(first, SPACE_KEYS, { randomBytes })
        behave(first)
        first.resume()
        await answered
        await gone(second)
        first.destroy()
      })

      it(`survives ${what} of an answerer in place of the first bytes`, async () => {
        const [first, second] = await connect()
        second.on('error', () => undefined)
        const called = expect(aliceCalls(first, { limits: limitsFor(what, 'knock') })).rejects.toMatchObject({
          code: AT_KNOCK[what],
        })
        behave(second)
        await called
        await gone(first)
        second.destroy()
      })

      it(`survives ${what} of an answerer in place of its proof`, async () => {
        const [first, second] = await connect()
        const code = what === 'silence' ? 'DITTO_LINK_TIMEOUT' : 'DITTO_KNOCK_REFUSED'
        const called = expect(aliceCalls(first, { limits: limitsFor(what, 'knock') })).rejects.toMatchObject({ code })
        second.write(randomBytes(CHALLENGE_BYTES))
        await readExactly(second, CALL_BYTES)
        behave(second)
        await called
        await gone(first)
        second.destroy()
      })

      it(`survives ${what} of an answerer after the knock`, async () => {
        const [first, second] = await connect()
        second.on('error', () => undefined)
        const called = expect(aliceCalls(first, { limits: limitsFor(what, 'tls') })).rejects.toMatchObject({
          code: AT_TLS[what],
        })
        await answerKnock(second, () => SPACE_KEYS, { randomBytes })
        behave(second)
        second.resume()
        await called
        await gone(first)
        second.destroy()
      })
    }

    it('never shows its own certificate to an impostor that answers', async () => {
      for (let attempt = 0; attempt < 20; attempt++) {
        const [first, second] = await connect()
        const called = expect(aliceCalls(first)).rejects.toMatchObject({ code: 'DITTO_PEER_UNTRUSTED' })
        const impostor = await answerThenTls(second, malloryCertificate)
        let shown: unknown
        impostor.on('secure', () => {
          shown = impostor.getPeerX509Certificate()
        })
        await called
        await gone(impostor)
        expect(shown).toBeUndefined()
      }
    })

    it('takes nobody for the owner of a saved session', async () => {
      const [first, second] = await connect()
      const answered = bobAnswers(second)
      const own = await knockThenTls(first, {})
      let session: Buffer | undefined
      own.on('session', (saved: Buffer) => {
        session = saved
      })
      const link = await answered
      link.send(Buffer.from('read this, and any session with it'))
      await once(own, 'data')
      link.abort(new Error('done'))
      const [third, fourth] = await connect()
      const refused = expect(bobAnswers(fourth)).rejects.toMatchObject({ code: 'DITTO_PEER_UNTRUSTED' })
      await knockThenTls(third, { ...malloryCertificate, ...(session && { session }) })
      await refused
    })

    it('takes a connection that ends without a word for a cut', async () => {
      const [first, second] = await connect()
      const answered = bobAnswers(second)
      await knockThenTls(first, {})
      const link = await answered
      first.end()
      await expect(link.frames()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
      await gone(second)
    })

    it.each([
      ['a frame of 2 GiB', '80000000', 'DITTO_LIMIT'],
      ['a first frame past 64 KiB', '00010001', 'DITTO_LIMIT'],
      ['an empty frame', '00000000', 'DITTO_PROTOCOL'],
      ['a second frame past the limit', '0000000161001000ff', 'DITTO_LIMIT'],
    ])('ends the link on %s', async (_what, hex, code) => {
      const [first, second] = await connect()
      const answered = bobAnswers(second)
      const caller = await knockThenTls(first, {})
      const link = await answered
      for (const byte of Buffer.from(hex, 'hex')) caller.write(Buffer.of(byte))
      expect(await link.closed).toMatchObject({ code })
      await gone(second)
    })

    it('gives up when asked to, at each step', async () => {
      const reason = new Error('enough')
      for (const step of ['knock', 'TLS']) {
        const [first, second] = await connect()
        const controller = new AbortController()
        const called = expect(aliceCalls(first, { signal: controller.signal })).rejects.toBe(reason)
        if (step === 'TLS') await answerKnock(second, () => SPACE_KEYS, { randomBytes })
        controller.abort(reason)
        await called
        await gone(first)
        second.destroy()
      }
      const [first, second] = await connect()
      await expect(bobAnswers(second, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      first.destroy()
    })

    it('tells both ends which secret they share when they share several', async () => {
      const other = { match: { kind: 'ticket', name: 'other' }, secret: Buffer.alloc(32, 9) } as const
      const more = { match: { kind: 'space', name: 'more' }, secret: Buffer.alloc(32, 8) } as const
      const [first, second] = await connect()
      const [called, answered] = await Promise.all([
        aliceCalls(first, { knockKeys: [other, ...SPACE_KEYS, more] }),
        bobAnswers(second, { knockKeys: () => [more, ...SPACE_KEYS] }),
      ])
      expect([called.match, answered.match]).toEqual([more.match, more.match])
      expect([called.peer, answered.peer]).toEqual([bob.key, alice.key])
      called.abort(new Error('done'))
    })
  })
}

it('refuses to call without being told whom to trust', async () => {
  const [first] = await (CONNECTIONS[1] as (typeof CONNECTIONS)[number]).connect()
  const { expected: _, ...init } = { expected: bob.key, ...{ identity: alice, knockKeys: SPACE_KEYS } }
  const { connectLink } = await import('../src/index.ts')
  await expect(connectLink({ ...init, duplex: first, transport: 't', remote: 'r' })).rejects.toThrow(TypeError)
  expect(first.destroyed).toBe(true)
})

it('sends exactly the bytes of the knock', () => {
  expect([CHALLENGE_BYTES, CALL_BYTES, ANSWER_BYTES]).toEqual([32, 160, 32])
})

async function gone(stream: Duplex): Promise<void> {
  if (!stream.closed) await once(stream, 'close')
  expect(stream.destroyed).toBe(true)
}

function collectBytes(stream: Duplex) {
  const seen = { bytes: 0 }
  stream.on('error', () => undefined)
  stream.on('data', (bytes: Buffer) => {
    seen.bytes += bytes.length
  })
  return seen
}
