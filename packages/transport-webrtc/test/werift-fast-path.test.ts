import { createHash } from 'node:crypto'
import { pseudoRandomBytes } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RTCSctpTransport } from 'werift'
import { sackPacket } from '../src/sctp-packet.ts'
import { type FastSctp, hasten } from '../src/werift-fast-path.ts'

const MESSAGE_BYTES = 16_000

type Sctp = Omit<FastSctp, 'lastSackedTsn'> & {
  localTsn: number
  lastSackedTsn: number
  advancedPeerAckTsn: number
  isServer: boolean
  readonly stateChanged: { readonly connected: { asPromise(): Promise<unknown> } }
  start(port: number): Promise<void>
  stop(): Promise<void>
  send(stream: number, protocol: number, data: Buffer): Promise<void>
  readonly onReceive: { subscribe(listener: (stream: number, protocol: number, data: Buffer) => void): void }
}

/** One end of an association over a wire in memory. */
function end(isServer: boolean, firstTsn: number, put: (packet: Buffer) => void) {
  const transport = new RTCSctpTransport()
  const dtls = {
    dataReceiver: (_: Buffer): void => undefined,
    sendData: async (packet: Buffer) => put(packet),
    onStateChange: { subscribe: () => ({ unSubscribe: () => undefined }) },
    iceTransport: { role: isServer ? 'controlled' : 'controlling' },
  }
  transport.setDtlsTransport(dtls as never)
  const sctp = transport.sctp as unknown as Sctp
  sctp.isServer = isServer
  sctp.localTsn = firstTsn
  sctp.lastSackedTsn = (firstTsn - 1) >>> 0
  sctp.advancedPeerAckTsn = sctp.lastSackedTsn
  const receive = hasten(sctp, dtls, () => undefined)
  return { sctp, receive }
}

/** Two ends; each packet arrives in a later turn, or not, or after its successor, as `fate` says. */
function pair(firstTsn: number, fate: (count: number) => 'arrives' | 'lost' | 'late') {
  const held: (() => void)[] = []
  let count = 0
  const wire = (to: () => (packet: Buffer) => Promise<void>) => (packet: Buffer) => {
    const deliver = () => void setImmediate(() => void to()(Buffer.from(packet)))
    const what = fate(count++)
    if (what === 'late') held.push(deliver)
    if (what !== 'arrives') return
    deliver()
    for (const late of held.splice(0)) late()
  }
  const alice = end(
    false,
    firstTsn,
    wire(() => bob.receive),
  )
  const bob = end(
    true,
    firstTsn,
    wire(() => alice.receive),
  )
  return { alice: alice.sctp, bob: bob.sctp }
}

async function transfer(firstTsn: number, messages: number, fate: (count: number) => 'arrives' | 'lost' | 'late') {
  const { alice, bob } = pair(firstTsn, fate)
  onTestFinished(async () => {
    await Promise.all([alice.stop(), bob.stop()])
  })
  const hash = createHash('sha256')
  let received = 0
  const done = new Promise<void>((resolve) => {
    bob.onReceive.subscribe((_, __, data) => {
      hash.update(data)
      if (++received === messages) resolve()
    })
  })
  await bob.start(5000)
  const connected = alice.stateChanged.connected.asPromise()
  await alice.start(5000)
  await connected
  const sent = createHash('sha256')
  for (let index = 0; index < messages; index++) {
    const data = Buffer.from(pseudoRandomBytes(index + 1, MESSAGE_BYTES))
    sent.update(data)
    void alice.send(1, 53, data)
  }
  await done
  expect(hash.digest('hex')).toBe(sent.digest('hex'))
  return { alice, bob }
}

describe('an association on the short way', () => {
  it('carries messages whole and in order', async () => {
    const { alice, bob } = await transfer(1000, 100, () => 'arrives')
    expect(bob.advertisedRwnd).toBe(1024 * 1024)
    expect(bob.sackMisOrdered.size).toBe(0)
    await expect.poll(() => alice.sentQueue.length).toBe(0)
  })

  it.each([
    [2 ** 32 - 300, 'over the step from 2^32 to 0'],
    [10_000 - 300, 'past a power of ten'],
  ])('carries them from number %i on, %s, though packets are lost and overtake each other', async (first) => {
    await transfer(first, 60, (count) =>
      count > 20 && count % 31 === 0 ? 'lost' : count % 7 === 3 ? 'late' : 'arrives',
    )
  })

  it('ends when the other side acknowledges what was not sent', async () => {
    const { sctp, receive } = end(false, 1000, () => undefined)
    Object.assign(sctp, { lastReceivedTsn: 1, remotePort: 5000 })
    const ports = { local: 5000, remote: 5000, tag: sctp.localVerificationTag }
    const sack = (cumulativeTsn: number) =>
      sackPacket(ports, { cumulativeTsn, advertisedRwnd: 1, gaps: [[2, 60_000]], duplicates: [] })
    await expect(receive(sack(999))).rejects.toThrow('not sent')
    // One that was overtaken is of no interest.
    await receive(sack(990))
  })

  it('acknowledges every second packet, and a lone one in the same turn', async () => {
    let packets = 0
    await transfer(7, 100, () => {
      packets++
      return 'arrives'
    })
    const data = 100 * Math.ceil(MESSAGE_BYTES / 1200)
    expect(packets).toBeGreaterThan(1.3 * data)
    expect(packets).toBeLessThan(1.7 * data)
  })
})
