import { DittoError, type IncomingDuplex } from '@dittofs/interface'
import { transportSuite, turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { bleTransport } from '../src/ble-transport.ts'
import { encodePdu } from '../src/pdu.ts'
import { radioUnavailable } from '../src/radio-unavailable.ts'
import { MemoryAir, MemoryCentral, MemoryPeripheral } from './support/memory-air.ts'

const NOBODY = 'ble://00aa01020042'
const SILENT = 'ble://00aa01030042'

for (const [maxPduBytes, name] of [
  [20, 'the smallest MTU, 23'],
  [253, 'the usual MTU, 256'],
  [512, 'the largest attribute'],
] as const) {
  transportSuite(`Bluetooth LE in memory, with PDUs of ${maxPduBytes} bytes: ${name}`, {
    setup: async () => {
      const air = new MemoryAir()
      air.maxPduBytes = maxPduBytes
      air.silent.add(SILENT.slice('ble://'.length))
      return {
        dialer: bleTransport({ loadCentral: async () => new MemoryCentral(air), loadPeripheral: absent }),
        listener: bleTransport({ loadPeripheral: async () => new MemoryPeripheral(air), loadCentral: absent }),
        hasPorts: false,
        nobody: async () => NOBODY,
        silence: async () => SILENT,
      }
    },
  })
}

describe('bleTransport', () => {
  it('says with one sentence that there is no adapter, and what to do', async () => {
    const transport = bleTransport({ loadCentral: absent, loadPeripheral: absent })
    const message: unknown = expect.stringMatching(/no Bluetooth adapter.*plug one in/)
    const expected = { code: 'DITTO_UNSUPPORTED', message }
    await expect(transport.listen({ port: 0, onConnection: () => undefined })).rejects.toMatchObject(expected)
    const announcement = () => ({ nonce: Buffer.alloc(8), tags: [] })
    const discovering = transport.discover({ port: 0, announcement, onSighting: () => undefined })
    await expect(discovering).rejects.toMatchObject(expected)
    await expect(transport.dial(NOBODY)).rejects.toMatchObject({ code: 'DITTO_PEER_UNREACHABLE' })
  })

  it('looks for the adapter again when it is asked again', async () => {
    const air = new MemoryAir()
    let isPluggedIn = false
    const transport = bleTransport({
      loadPeripheral: async () => (isPluggedIn ? new MemoryPeripheral(air) : absent()),
      loadCentral: absent,
    })
    await expect(transport.listen({ port: 0, onConnection: () => undefined })).rejects.toThrow(DittoError)
    isPluggedIn = true
    const listener = await transport.listen({ port: 0, onConnection: () => undefined })
    expect(listener.addresses()).toEqual(['ble://aaaaaaaaaaaa'])
    await listener.close()
  })

  it('runs any number of connections to one peripheral over one link, and ends it once none is left', async () => {
    const air = new MemoryAir()
    const incoming: IncomingDuplex[] = []
    const listener = await bleTransport({ loadPeripheral: async () => new MemoryPeripheral(air) }).listen({
      port: 0,
      onConnection: (one) => incoming.push(one),
    })
    const clock = turnClock(20)
    const transport = bleTransport({ loadCentral: async () => new MemoryCentral(air), clock })
    const dialled = await Promise.all([1, 2, 3].map(() => transport.dial('ble://aaaaaaaaaaaa')))
    expect(air.connections).toHaveLength(1)
    expect(incoming.map(({ remote }) => remote)).toEqual(Array(3).fill('ble://cccccccccccc'))
    for (const duplex of [...dialled, ...incoming.map(({ duplex }) => duplex)]) duplex.resume().end()
    const [central] = air.connections[0]!
    await expect.poll(() => central.isClosed).toBe(true)
    await listener.close()
  })
})

describe('a central that uses its connection for nothing', () => {
  it('is disconnected, whether it acknowledges what it is sent or not', async () => {
    const air = new MemoryAir()
    const transport = bleTransport({ loadPeripheral: async () => new MemoryPeripheral(air), clock: turnClock(100) })
    const listener = await transport.listen({ port: 0, onConnection: ({ duplex }) => duplex.destroy() })
    const pipe = await new MemoryCentral(air).connect('aaaaaaaaaaaa', { signal: new AbortController().signal })
    const beat = setInterval(() => pipe.send(encodePdu({ type: 'count', sent: 1, received: 0 })), 10)
    pipe.send(encodePdu({ type: 'open', stream: 1 }))
    const [central] = air.connections[0]!
    await expect.poll(() => central.isClosed).toBe(true)
    clearInterval(beat)
    await listener.close()
  })
})

async function absent(): Promise<never> {
  throw radioUnavailable(Object.assign(new Error('bind'), { code: 'ENODEV' }))
}
