import { deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { memorySignaling } from '../src/memory-signal-channel.ts'
import { signalChannelSuite } from '../src/signal-channel-suite.ts'

const alice = deviceKey.parse('a'.repeat(64))
const bob = deviceKey.parse('b'.repeat(64))

signalChannelSuite('memory', {
  setup: async () => {
    const signaling = memorySignaling()
    let devices = 0
    return {
      device: (options) => {
        const key = deviceKey.parse(String(devices++).repeat(64))
        return { key, channel: signaling.channel(key, options) }
      },
      setUp: async (isUp) => signaling.setUp(isUp),
      close: async () => undefined,
    }
  },
})

describe('memorySignaling', () => {
  it('remembers what it carried', async () => {
    const signaling = memorySignaling()
    const [fromAlice, atBob] = [signaling.channel(alice), signaling.channel(bob)]
    for (const channel of [fromAlice, atBob]) channel.open({ onSignal: () => undefined, onChange: () => undefined })
    const offer = { session: '00'.repeat(16), kind: 'offer', body: 'sdp' } as const
    await fromAlice.send(atBob.addresses()[0] as string, offer)
    expect(signaling.carried).toEqual([{ from: alice, to: bob, signal: offer }])
  })
})
