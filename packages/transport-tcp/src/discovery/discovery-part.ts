import type { Announcement, Clock, DiscoveryState, Logger, RandomBytes, Sighting } from '@dittofs/interface'
import type { NetworkInterfaces } from '../interfaces.ts'

/** What every means of discovery is given. */
export interface DiscoveryPartInit {
  /** UDP port of the means itself. */
  udpPort: number
  /** TCP port announced. */
  port: number
  announcement: () => Announcement
  onSighting: (sighting: Sighting) => void
  /** Whether a nonce is one of this device's own. */
  isOwn: (nonce: Uint8Array) => boolean
  clock: Clock
  randomBytes: RandomBytes
  logger: Logger | undefined
}

/** One means of discovery: opened at once, told of the interfaces and of new announcements, closed. */
export interface DiscoveryPart {
  state(): DiscoveryState
  /** Opens what is not open yet and follows the interfaces. Never rejects: `state` tells what is wrong. */
  follow(interfaces: NetworkInterfaces): Promise<void>
  /** Announces and asks again. */
  refresh(): void
  close(): Promise<void>
}
