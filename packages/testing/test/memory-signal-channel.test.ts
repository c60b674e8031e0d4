import { deviceKey, type IncomingSignal } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { memorySignaling } from '../src/memory-signal-channel.ts'

const alice = deviceKey.parse('a'.repeat(64))
const bob = deviceKey.parse('b'.repeat(64))

describe('memorySignaling', () => {
  it('carries an offer to the device that its address names', async () => {
    const signaling = memorySignaling()
    const [fromAlice, atBob] = [signaling.channel(alice), signaling.channel(bob)]
    fromAlice.open({ onSignal: () => undefined, onChange: () => undefined })
    const heard = new Promise<IncomingSignal>((resolve) => {
      atBob.open({ onSignal: resolve, onChange: () => undefined })
    })
    const offer = { session: '00'.repeat(16), kind: 'offer', body: 'sdp' } as const
    await fromAlice.send(atBob.addresses()[0] as string, offer)
    expect(await heard).toEqual({ ...offer, device: alice, from: fromAlice.addresses()[0] })
    expect(signaling.carried).toEqual([{ from: alice, to: bob, signal: offer }])
  })
})
