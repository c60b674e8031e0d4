import { deviceKey } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { memoryLinkPair } from '../src/memory-link.ts'

const alice = deviceKey.parse('a'.repeat(64))
const bob = deviceKey.parse('b'.repeat(64))

describe('memoryLinkPair', () => {
  it('carries frames in order and tells each end who the other is', async () => {
    const [toBob, toAlice] = memoryLinkPair({ keys: [alice, bob] })
    expect([toBob.peer, toAlice.peer]).toEqual([bob, alice])
    toBob.send(Buffer.from('one, '), Buffer.from('joined'))
    toBob.send(Buffer.from('two'))
    await toBob.close()
    const received: string[] = []
    await expect(async () => {
      for await (const frame of toAlice.frames()) received.push(Buffer.from(frame).toString())
    }).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
    expect(received).toEqual(['one, joined', 'two'])
  })

  it('holds the sender back until the reader has caught up', async () => {
    const [toBob, toAlice] = memoryLinkPair({ keys: [alice, bob], bufferBytes: 10 })
    expect(toBob.send(Buffer.alloc(10))).toBe(false)
    const drained = toBob.drain()
    const frames = toAlice.frames()
    await frames.next()
    await drained
    expect(toBob.send(Buffer.alloc(1))).toBe(true)
  })

  it('rejects a waiting drain when the link is cut', async () => {
    const [toBob, toAlice] = memoryLinkPair({ keys: [alice, bob], bufferBytes: 1 })
    toBob.send(Buffer.alloc(1))
    const drained = toBob.drain()
    toAlice.abort(new Error('pulled'))
    await expect(drained).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
  })
})
