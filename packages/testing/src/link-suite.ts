import { randomBytes } from 'node:crypto'
import { type Link, MAX_FRAME_BYTES } from '@dittofs/interface'
import { afterEach, describe, expect, it } from 'vitest'

export interface LinkSuiteInit {
  /** Two ends of one new link: first the initiator's. Both are aborted after the test. */
  setup: () => Promise<readonly [initiator: Link, responder: Link]>
}

/** Payload sizes around the borders of TLS records, read buffers and the frame limit. */
const BOUNDARY_SIZES = [1, 3, 4, 5, 16_379, 16_380, 16_384, 16_385, 65_535, 65_536, 65_537, MAX_FRAME_BYTES - 1]

/** What every {@link Link} keeps to. */
export function linkSuite(name: string, init: LinkSuiteInit): void {
  describe(`${name} as a link`, () => {
    const links: Link[] = []
    /** A link whose first frame, the greeting, has been sent and read by both ends. */
    async function greeted() {
      const [alice, bob] = await connected()
      alice.send(Buffer.from('hello'))
      bob.send(Buffer.from('hello'))
      const [fromBob, fromAlice] = [reader(alice), reader(bob)]
      await Promise.all([fromBob.take(1), fromAlice.take(1)])
      return { alice, bob, fromAlice, fromBob }
    }
    async function connected() {
      const pair = await init.setup()
      links.push(...pair)
      return pair
    }
    afterEach(() => {
      for (const link of links.splice(0)) link.abort(new Error('the test is over'))
    })

    it('tells each end who the other is, and who called', async () => {
      const [alice, bob] = await connected()
      expect([alice.isInitiator, bob.isInitiator]).toEqual([true, false])
      expect(alice.peer).not.toBe(bob.peer)
      expect(alice.match).toEqual(bob.match)
      expect(alice.transport).toBe(bob.transport)
    })

    it('carries frames of every boundary size, in order and unchanged', async () => {
      const { alice, fromAlice } = await greeted()
      const payloads = [...BOUNDARY_SIZES, MAX_FRAME_BYTES].map((size) => randomBytes(size))
      const received = fromAlice.take(payloads.length)
      await sendAll(alice, payloads)
      expect((await received).map(hash)).toEqual(payloads.map(hash))
    })

    it('joins the parts of a frame, empty ones included', async () => {
      const { alice, fromAlice } = await greeted()
      const large = randomBytes(100_000)
      alice.send(Buffer.alloc(0), Buffer.from('one'), Buffer.alloc(0), Buffer.from(' frame'))
      alice.send(Buffer.alloc(0), large.subarray(0, 10), Buffer.alloc(0), large.subarray(10), Buffer.alloc(0))
      const [small, joined] = await fromAlice.take(2)
      expect(Buffer.from(small as Uint8Array).toString()).toBe('one frame')
      expect(hash(joined as Uint8Array)).toBe(hash(large))
    })

    it('refuses to send a frame that is empty or too long, and lives on', async () => {
      const { alice, fromAlice } = await greeted()
      expect(() => alice.send()).toThrow(RangeError)
      expect(() => alice.send(Buffer.alloc(0))).toThrow(RangeError)
      expect(() => alice.send(Buffer.alloc(MAX_FRAME_BYTES), Buffer.alloc(1))).toThrow(RangeError)
      alice.send(Buffer.from('next'))
      expect(Buffer.from((await fromAlice.take(1))[0] as Uint8Array).toString()).toBe('next')
    })

    it('carries 1,000 frames each way at once', async () => {
      const { alice, bob, fromAlice, fromBob } = await greeted()
      const payloads = Array.from({ length: 1000 }, (_, index) => randomBytes(1 + ((index * 37) % 3000)))
      const [toBob, toAlice] = await Promise.all([
        fromAlice.take(1000),
        fromBob.take(1000),
        sendAll(alice, payloads),
        sendAll(bob, payloads),
      ])
      expect(toBob.map(hash)).toEqual(payloads.map(hash))
      expect(toAlice.map(hash)).toEqual(payloads.map(hash))
    })

    it('holds the sender back while nobody reads, and loses nothing', async () => {
      const { alice, fromAlice } = await greeted()
      const payload = randomBytes(256 * 1024)
      let sent = 0
      while (alice.send(payload)) sent++
      sent++
      // Whatever buffers lie between are filled until room no longer comes by itself.
      while (await isDrained(alice)) {
        while (alice.send(payload)) sent++
        sent++
      }
      const drained = alice.drain()
      const received = await fromAlice.take(sent)
      await drained
      expect(received.every((frame) => hash(frame) === hash(payload))).toBe(true)
    })

    it('gives up waiting for room when asked to, with the reason of the signal', async () => {
      const { alice } = await greeted()
      await fill(alice)
      const reason = new Error('enough')
      const controller = new AbortController()
      const drained = alice.drain({ signal: controller.signal })
      controller.abort(reason)
      await expect(drained).rejects.toBe(reason)
      await expect(alice.drain({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    })

    it('rejects a wait for room when the link is cut', async () => {
      const { alice, bob } = await greeted()
      await fill(alice)
      const drained = expect(alice.drain()).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
      bob.abort(new Error('pulled'))
      await drained
    })

    it('delivers all that was sent before it was closed, then ends on both sides', async () => {
      const { alice, bob, fromAlice, fromBob } = await greeted()
      const payloads = Array.from({ length: 10 }, () => randomBytes(90_000))
      for (const payload of payloads) alice.send(payload)
      const closing = alice.close()
      expect((await fromAlice.take(10)).map(hash)).toEqual(payloads.map(hash))
      await expect(fromAlice.take(1)).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' })
      expect(await fromBob.isDone()).toBe(true)
      await closing
      await alice.close()
      expect(await alice.closed).toBeUndefined()
      expect(await bob.closed).toMatchObject({ code: 'DITTO_LINK_CUT' })
      expect(() => alice.send(Buffer.from('late'))).toThrow(expect.objectContaining({ code: 'DITTO_CLOSED' }))
      expect(() => bob.send(Buffer.from('late'))).toThrow(expect.objectContaining({ code: 'DITTO_LINK_CUT' }))
      await expect(alice.drain()).rejects.toMatchObject({ code: 'DITTO_CLOSED' })
    })

    it('drops the connection on abort and gives the reason to its own readers', async () => {
      const { alice, bob, fromAlice, fromBob } = await greeted()
      const reason = new Error('enough')
      const [own, other] = [fromBob.take(1), fromAlice.take(1)]
      const rejected = [
        expect(own).rejects.toBe(reason),
        expect(other).rejects.toMatchObject({ code: 'DITTO_LINK_CUT' }),
      ]
      alice.abort(reason)
      alice.abort(new Error('too late'))
      await Promise.all(rejected)
      expect(await alice.closed).toBe(reason)
      expect(await bob.closed).toMatchObject({ code: 'DITTO_LINK_CUT' })
      expect(() => alice.send(Buffer.from('late'))).toThrow(reason)
    })

    it('lets its frames be read once', async () => {
      const { alice } = await greeted()
      await expect(reader(alice).take(1)).rejects.toThrow(TypeError)
    })

    it('derives the same bytes on both ends, others for another label', async () => {
      const [alice, bob] = await connected()
      const label = 'EXPORTER-dittofs-test'
      const own = alice.exportKeyingMaterial(32, label)
      expect(own).toHaveLength(32)
      expect(Buffer.from(own).equals(bob.exportKeyingMaterial(32, label))).toBe(true)
      expect(Buffer.from(own).equals(alice.exportKeyingMaterial(32, `${label}-other`))).toBe(false)
    })

    it('counts payload bytes the same on both ends', async () => {
      const { alice, bob, fromAlice } = await greeted()
      const before = [alice.bytesSent, bob.bytesReceived]
      alice.send(Buffer.alloc(1000), Buffer.alloc(234))
      await fromAlice.take(1)
      expect(before).toEqual([5, 5])
      expect([alice.bytesSent, bob.bytesReceived]).toEqual([1239, 1239])
    })
  })
}

/** Takes frames one after another; a link gives its frames only once. */
function reader(link: Link) {
  const frames = link.frames()[Symbol.asyncIterator]()
  return {
    async take(count: number): Promise<Uint8Array[]> {
      const taken: Uint8Array[] = []
      while (taken.length < count) {
        const next = await frames.next()
        if (next.done === true) throw new Error(`the frames ended after ${taken.length} of ${count}`)
        taken.push(next.value)
      }
      return taken
    },
    async isDone(): Promise<boolean> {
      return (await frames.next()).done === true
    },
  }
}

async function sendAll(link: Link, payloads: readonly Uint8Array[]): Promise<void> {
  for (const payload of payloads) if (!link.send(payload)) await link.drain()
}

/** Sends until there is no room, and none comes. */
async function fill(link: Link): Promise<void> {
  const payload = Buffer.alloc(256 * 1024)
  do {
    while (link.send(payload));
  } while (await isDrained(link))
}

/** Whether room comes within a tenth of a second: only then did the network, and not the reader, hold the sender. */
async function isDrained(link: Link): Promise<boolean> {
  try {
    await link.drain({ signal: AbortSignal.timeout(100) })
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') return false
    throw error
  }
}

/** Short, so that a failing comparison of megabytes stays readable. */
function hash(bytes: Uint8Array): string {
  let value = 0x811c9dc5
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193)
  return `${bytes.length} bytes ${(value >>> 0).toString(16)}`
}
