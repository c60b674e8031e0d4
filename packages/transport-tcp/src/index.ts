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
export { MDNS_PORT } from './discovery/mdns.ts'
export { DEFAULT_DIAL_TIMEOUT_MS, type TcpTransportInit, tcpTransport } from './tcp-transport.ts'
