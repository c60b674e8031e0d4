import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { SignalChannel } from '@dittofs/interface'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keyNumber, SignaledPair } from './signaled-pair.ts'

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

  it('is not begun while the other device cannot be told of it: the way there is stays', async () => {
    const pair = new SignaledPair()
    onTestFinished(() => pair.close())
    const { initiator, responder } = await pair.connect()
    pair.signaling.setUp(false)
    pair.alice.networkChanged()
    pair.bob.networkChanged()
    for (const [from, to] of [
      [initiator, responder],
      [responder, initiator],
    ] as const) {
      from.write('still here')
      const [bytes] = (await once(to, 'data')) as [Buffer]
      expect(bytes.toString()).toBe('still here')
    }
  })

  it('is offered again when the offer went astray, as where both devices move at once', async () => {
    const pair = new SignaledPair()
    onTestFinished(() => pair.close())
    const inner = pair.signaling.channel(keyNumber(3))
    let lost = 0
    let mayLose = false
    const channel: SignalChannel = {
      open: (listener) => inner.open(listener),
      addresses: () => inner.addresses(),
      state: () => inner.state(),
      networkChanged: () => inner.networkChanged(),
      close: () => inner.close(),
      send: async (to, signal) => {
        if (mayLose && signal.kind === 'offer' && lost++ === 0) return
        await inner.send(to, signal)
      },
    }
    const carol = pair.transport(keyNumber(3), { channel })
    onTestFinished(() => carol.close())
    let accept!: (duplex: Duplex) => void
    const accepted = new Promise<Duplex>((resolve) => {
      accept = resolve
    })
    const listener = await pair.bob.listen({ port: 0, onConnection: ({ duplex }) => accept(duplex) })
    const duplex = await carol.dial(listener.addresses()[0] as string)
    const responder = await accepted
    mayLose = true
    carol.networkChanged()
    pair.bob.networkChanged()
    const before = pair.signaling.carried.length
    const answered = () => pair.signaling.carried.slice(before).some(({ signal }) => signal.kind === 'answer')
    await expect.poll(answered).toBe(true)
    expect(lost).toBe(2)
    duplex.end('on we go')
    expect(await text(responder)).toBe('on we go')
  })
})
