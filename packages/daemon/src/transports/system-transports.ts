import { BlockList, isIP } from 'node:net'
import type { Clock, DeviceKey, Logger, RandomBytes, Transport } from '@dittofs/interface'
import type { Identity } from '@dittofs/link'
import { bleTransport } from '@dittofs/transport-ble'
import { tcpTransport } from '@dittofs/transport-tcp'
import type { IceServer } from '@dittofs/transport-webrtc'
import { type Config, iceUrls } from '../config/config-schema.ts'
import { WebRtcLinks } from './webrtc-links.ts'

export interface SystemTransportsInit {
  config: Config
  identity: Identity
  /** Whether signals of a device are let through. */
  mayReceive: (device: DeviceKey) => boolean
  /** Connections that one busy link may be spread over. */
  connections: () => number
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger
}

export interface SystemTransports {
  readonly transports: readonly Transport[]
  close(): Promise<void>
}

/** Every way this machine has to reach other devices, as the configuration wants them. */
export function systemTransports({ config, ...init }: SystemTransportsInit): SystemTransports {
  const { clock, logger } = init
  const webrtc = new WebRtcLinks({
    ...init,
    servers: config.signaling,
    iceServers: iceServers(config),
    hostAddresses: isLoopback(config.host) ? [config.host] : [],
  })
  return {
    transports: [
      tcpTransport({ clock, logger, mdns: config.mdns, beacon: config.beacon }),
      webrtc,
      ...(config.bluetooth === 'on' ? [bleTransport({ clock, logger })] : []),
    ],
    close: () => webrtc.close(),
  }
}

function iceServers({ stun, turn, turn_username, turn_credential }: Config): readonly IceServer[] {
  const relays = iceUrls('turn', turn)
  return [
    { urls: iceUrls('stun', stun) },
    ...(relays.length === 0 ? [] : [{ urls: relays, username: turn_username, credential: turn_credential }]),
  ]
}

function isLoopback(host: string): boolean {
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
