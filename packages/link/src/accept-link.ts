import type { DeviceKey, KnockMatch, Link } from '@dittofs/interface'
import { answerKnock } from './knock.ts'
import type { KnockKey } from './knock-key.ts'
import { type OpenLinkInit, openLink } from './open-link.ts'
import { secureAsResponder } from './tls-handshake.ts'

export interface AcceptLinkInit extends OpenLinkInit {
  /** All that somebody may knock with now; asked for when a call has arrived. */
  knockKeys: () => readonly KnockKey[]
  /** Judges the device that called. Runs inside the handshake: it must not wait. */
  accept: (match: KnockMatch, peer: DeviceKey) => boolean
}

/**
 * Opens a link over a connection that somebody else dialled. To a stranger it sends 32 random bytes and nothing else.
 *
 * @throws DittoError DITTO_KNOCK_REFUSED, DITTO_PEER_UNTRUSTED, DITTO_LINK_TIMEOUT, DITTO_LINK_CUT
 * @see docs/security.md#the-secure-link
 */
export async function acceptLink(init: AcceptLinkInit): Promise<Link> {
  const { duplex, identity } = init
  return openLink(init, {
    isInitiator: false,
    knock: (options) => answerKnock(duplex, init.knockKeys, options),
    secure: (match, signal) =>
      secureAsResponder({ duplex, identity, signal, accept: (peer) => init.accept(match, peer) }),
  })
}
