import type { Duplex } from 'node:stream'
import { DittoError, type IncomingDuplex, type Transport } from '@dittofs/interface'

/** A transport whose connections can be cut, and that can be switched off. */
export interface CuttableTransport extends Transport {
  /** Dials so far, refused ones included. */
  readonly dials: number
  /** Ends every connection at once, as a pulled cable does. */
  cut(): void
  /** Off: nobody can be dialled, and whoever dials is not let in. What runs goes on. */
  setUp(isUp: boolean): void
}

/** `transport`, with faults that a test makes. It listens wherever the transport does by itself, as at its own host. */
export function cuttableTransport(transport: Transport, isUpAtFirst = true): CuttableTransport {
  const connections = new Set<Duplex>()
  let isUp = isUpAtFirst
  let dials = 0
  const track = (duplex: Duplex) => {
    connections.add(duplex)
    duplex.once('close', () => connections.delete(duplex))
  }
  return {
    name: transport.name,
    capabilities: transport.capabilities,
    listen: (options) =>
      transport.listen({
        ...options,
        onConnection: (incoming: IncomingDuplex) => {
          track(incoming.duplex)
          if (isUp) options.onConnection(incoming)
          else incoming.duplex.destroy()
        },
      }),
    async dial(address, options) {
      dials++
      if (!isUp) throw new DittoError('DITTO_PEER_UNREACHABLE', `Nobody answers at ${address}.`)
      const duplex = await transport.dial(address, options)
      track(duplex)
      return duplex
    },
    discover: (options) => transport.discover(options),
    get dials() {
      return dials
    },
    cut: () => {
      for (const duplex of connections) duplex.destroy(new Error('the connection was cut'))
    },
    setUp: (next) => {
      isUp = next
    },
  }
}
