import type { DeviceKey, KnockMatch, Link } from '@dittofs/interface'
import { knock } from './knock.ts'
import type { KnockKey } from './knock-key.ts'
import { type OpenLinkInit, openLink } from './open-link.ts'
import { secureAsInitiator } from './tls-handshake.ts'

export interface ConnectLinkInit extends OpenLinkInit {
  /** What may be shared with the peer; the first MAX_OFFERED_KEYS are offered. */
  knockKeys: readonly KnockKey[]
  /** The one device that is wanted. */
  expected?: DeviceKey
  /** Judges the device that answered, where any of several will do. Runs inside the handshake: it must not wait. */
  accept?: (match: KnockMatch, peer: DeviceKey) => boolean
}

/**
 * Opens a link over a connection that this device dialled: knock, TLS 1.3, and the check who is there.
 *
 * The responder judges this device after that: until its first frame has arrived, nothing is certain.
 *
 * @throws DittoError DITTO_KNOCK_REFUSED, DITTO_PEER_UNTRUSTED, DITTO_LINK_TIMEOUT, DITTO_LINK_CUT
 * @throws TypeError when neither `expected` nor `accept` says whom to trust
 * @see docs/security.md#the-secure-link
 */
export async function connectLink(init: ConnectLinkInit): Promise<Link> {
  const { duplex, identity, knockKeys, expected, accept } = init
  if (expected === undefined && accept === undefined) {
    duplex.destroy()
    throw new TypeError('connectLink needs to know whom to trust: give `expected` or `accept`')
  }
  return openLink(init, {
    isInitiator: true,
    knock: (options) => knock(duplex, knockKeys, options),
    secure: (match, signal) =>
      secureAsInitiator({
        duplex,
        identity,
        signal,
        accept: (peer) => (expected === undefined || peer === expected) && (accept?.(match, peer) ?? true),
      }),
  })
}
