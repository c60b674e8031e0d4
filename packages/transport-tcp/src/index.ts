/**
 * Connections over TCP, and finding devices on the local network by mDNS and by a UDP beacon.
 *
 * ```ts
 * import { tcpTransport } from '@dittofs/transport-tcp'
 *
 * const tcp = tcpTransport()
 * const listener = await tcp.listen({ port: 0, onConnection: ({ duplex }) => duplex.pipe(duplex) })
 * const duplex = await tcp.dial(listener.addresses()[0])
 * ```
 *
 * @packageDocumentation
 */
export { BEACON_PORT } from './discovery/beacon.ts'
export type { ProbeResult } from './discovery/hears-own.ts'
export { MDNS_PORT } from './discovery/mdns.ts'
export { probeBroadcast } from './discovery/probe-broadcast.ts'
export { probeMulticast } from './discovery/probe-multicast.ts'
export { type InterfaceAddress, type NetworkInterfaces, usableAddresses } from './interfaces.ts'
export { parseTcpAddress } from './tcp-address.ts'
export { DEFAULT_DIAL_TIMEOUT_MS, type TcpTransportInit, tcpTransport } from './tcp-transport.ts'
