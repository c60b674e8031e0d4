import { isDittoError } from '@dittofs/interface'
import { memoryLinkPair } from '@dittofs/testing'
import { encodeMessage, MAX_ECHO_BYTES } from '@dittofs/wire'
import { describe, expect, it } from 'vitest'
import type { AnswerEcho, EchoQuestion } from '../src/index.ts'
import { connect, TestDevice } from './test-device.ts'

const NAMES = ['alice', 'bob', 'carol']
const QUESTION: EchoQuestion = { pattern: 1, seed: new Uint8Array(16), bytes: new Uint8Array(MAX_ECHO_BYTES) }

const codeOf = (error: unknown) => (isDittoError(error) ? error.code : String(error))

async function pairOf(answerEcho?: AnswerEcho) {
  const alice = await TestDevice.open('alice', NAMES)
  const bob = await TestDevice.open('bob', NAMES, answerEcho === undefined ? {} : { answerEcho })
  const [session] = connect(alice, bob)
  await alice.upToDate()
  return { alice, bob, session }
}

describe('echo', () => {
  it('takes the largest pattern there, and brings back what came of it', async () => {
    const asked: EchoQuestion[] = []
    const { alice, bob } = await pairOf(async (question) => {
      asked.push(question)
      return { bytes: question.bytes, digests: new Uint8Array(64), differsAt: 7 }
    })
    const answer = await alice.engine.echo(bob.key, QUESTION)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.pattern).toBe(1)
    expect(Buffer.compare(answer.bytes, QUESTION.bytes)).toBe(0)
    expect(answer).toMatchObject({ differsAt: 7, digests: new Uint8Array(64) })
  })

  it('fails where the device is away, busy, fails, or ends the session', async () => {
    let answer: AnswerEcho = async () => undefined
    const { alice, bob, session } = await pairOf((...question) => answer(...question))
    const asking = () => alice.engine.echo(bob.key, QUESTION).then(() => 'done', codeOf)
    expect(await asking()).toBe('DITTO_BUSY')
    answer = async () => Promise.reject(new Error('the disk fails'))
    expect(await asking()).toBe('DITTO_IO')
    answer = () => {
      void session.end()
      return new Promise(() => undefined)
    }
    expect(await asking()).toBe('DITTO_PEER_UNREACHABLE')
    expect(await asking()).toBe('DITTO_PEER_UNREACHABLE')
  })

  it('is not asked of a device that does not say that it answers', async () => {
    const alice = await TestDevice.open('alice', NAMES)
    const bob = await TestDevice.open('bob', NAMES)
    const [link, other] = memoryLinkPair({ keys: [alice.key, bob.key] })
    const session = alice.engine.attach(link)
    other.send(encodeMessage({ type: 'hello', versions: [1], instance: new Uint8Array(16) }))
    await expect(session.echoes.ask(QUESTION)).rejects.toMatchObject({ code: 'DITTO_UNSUPPORTED' })
  })

  it('is answered one at a time, and only to a device that shares a space', async () => {
    let finish = () => {}
    let answered = 0
    const { alice, bob } = await pairOf(async ({ bytes }) => {
      answered++
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return { bytes, digests: new Uint8Array() }
    })
    const first = alice.engine.echo(bob.key, QUESTION)
    await expect(alice.engine.echo(bob.key, QUESTION)).rejects.toMatchObject({ code: 'DITTO_BUSY' })
    finish()
    await first
    expect(answered).toBe(1)
  })
})
