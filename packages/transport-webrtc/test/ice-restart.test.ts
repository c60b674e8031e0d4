import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SignaledPair } from './signaled-pair.ts'

describe('an ICE restart', () => {
  it.each(['alice', 'bob'] as const)('carries a running transfer on when the network of %s changes', async (who) => {
    const pair = new SignaledPair()
    onTestFinished(() => pair.close())
    const { initiator, responder } = await pair.connect()
    let received = 0
    responder.on('data', (bytes: Buffer) => {
      received += bytes.length
    })
    initiator.write(Buffer.alloc(100_000, 1))
    while (received < 100_000) await once(responder, 'data')

    const before = pair.signaling.carried.length
    pair[who].networkChanged()
    const total = 3_000_000
    initiator.end(Buffer.alloc(total - 100_000, 2))
    const ended = once(responder, 'end')
    await ended
    expect(received).toBe(total)

    const since = pair.signaling.carried.slice(before).map(({ signal }) => signal)
    const session = pair.signaling.carried[0]!.signal.session
    expect(since.filter((signal) => signal.session === session).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['offer', 'answer', 'candidate']),
    )
  })
})
