/**
 * Connections over WebRTC data channels, negotiated through a signal channel.
 *
 * ```ts
 * import { webrtcTransport } from '@dittofs/transport-webrtc'
 *
 * const webrtc = webrtcTransport({ channel })
 * const listener = await webrtc.listen({ port: 0, onConnection: ({ duplex }) => duplex.pipe(duplex) })
 * const duplex = await webrtc.dial(listener.addresses()[0])
 * ```
 *
 * @packageDocumentation
 */
export type { IceServer } from './ice-servers.ts'
export {
  DEFAULT_ASSOCIATIONS,
  DEFAULT_CONNECT_TIMEOUT_MS,
  type WebRtcTransport,
  type WebRtcTransportInit,
  webrtcTransport,
} from './webrtc-transport.ts'
