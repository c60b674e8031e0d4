import { transportSuite } from '@dittofs/testing'
import { SignaledPair } from './signaled-pair.ts'

const pairs = new Map<object, SignaledPair>()

transportSuite('WebRTC over the loopback interface', {
  setup: async () => {
    const pair = new SignaledPair()
    const subject = {
      dialer: pair.alice,
      listener: pair.bob,
      hasPorts: false,
      nobody: async () => pair.nobody(),
    }
    pairs.set(subject, pair)
    return subject
  },
  teardown: async (subject) => pairs.get(subject)?.close(),
})
