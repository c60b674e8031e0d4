/**
 * Carries signals to other devices by way of signaling servers, sealed from end to end.
 *
 * ```ts
 * import { signalChannel } from '@dittofs/signaling-client'
 *
 * const channel = signalChannel({ identity, servers: ['wss://signal.example.org'], mayReceive: isMember })
 * channel.open({ onSignal: (signal) => negotiate(signal), onChange: () => publish(channel.addresses()) })
 * ```
 *
 * @packageDocumentation
 */
export { type SignalChannelInit, signalChannel } from './signal-channel.ts'
export type { SignalingIdentity } from './signaling-key.ts'
