import type { Transport } from '@dittofs/interface'
import type { MemoryNetwork } from './memory-network.ts'
import { memoryTransport } from './memory-transport.ts'

/** A transport called `webrtc` that reaches everybody of a network, as WebRTC does by way of a server, and finds nobody. */
export function wideTransport(network: MemoryNetwork, host: string): Transport {
  const transport = memoryTransport(network, { name: 'webrtc', host, capabilities: { canDiscover: false } })
  return {
    name: transport.name,
    capabilities: transport.capabilities,
    // Where a device is told to listen is an address of this machine, and none of the network.
    listen: ({ host: _, ...options }) => transport.listen(options),
    dial: (address, options) => transport.dial(address, options),
    discover: (options) => transport.discover(options),
  }
}
