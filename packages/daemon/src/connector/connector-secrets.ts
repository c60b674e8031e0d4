import type { DeviceKey, KnockMatch } from '@dittofs/interface'
import type { KnockKey } from '@dittofs/link'

/** What a space's, or a ticket's, announcements are known by. */
export interface FindKey {
  readonly match: KnockMatch
  /** Derived for `find`, 32 bytes. */
  readonly key: Uint8Array
}

/** A device this one wants a link to. */
export interface WantedPeer {
  readonly key: DeviceKey
  /** Names, as in {@link KnockMatch}, of the spaces both are members of. */
  readonly spaces: readonly string[]
}

/** Who may connect, and how they know each other before they know who they are. Asked anew each time. */
export interface ConnectorSecrets {
  /** All that somebody may knock with now: spaces, and tickets that are open or dead for less than 30 days. */
  knockKeys(): readonly KnockKey[]
  /** What to announce and to look for: spaces, and open tickets. */
  findKeys(): readonly FindKey[]
  peers(): readonly WantedPeer[]
  /** Whether a link with the device may be opened. Runs inside the handshake: it must not wait. */
  accept(match: KnockMatch, peer: DeviceKey): boolean
}
