import { type DeviceKey, isDittoError, type KnockMatch, type Link } from '@dittofs/interface'
import type { Admission, ConnectionGate } from './connection-gate.ts'
import { answerKnock } from './knock.ts'
import type { KnockKey } from './knock-key.ts'
import { type OpenLinkInit, openLink } from './open-link.ts'
import { secureAsResponder } from './tls-handshake.ts'

export interface AcceptLinkInit extends OpenLinkInit {
  /** All that somebody may knock with now; asked for when a call has arrived. */
  knockKeys: () => readonly KnockKey[]
  /** Judges the device that called. Runs inside the handshake: it must not wait. */
  accept: (match: KnockMatch, peer: DeviceKey) => boolean
  /** Limits what strangers can cost; the same gate for every connection. */
  gate: ConnectionGate
}

/**
 * Opens a link over a connection that somebody else dialled. To a stranger it sends 32 random bytes and nothing else.
 *
 * @throws DittoError DITTO_KNOCK_REFUSED, DITTO_PEER_UNTRUSTED, DITTO_LINK_TIMEOUT, DITTO_LINK_CUT, DITTO_LIMIT (the
 *   gate had no place for it)
 * @see docs/security.md#the-secure-link
 */
export async function acceptLink(init: AcceptLinkInit): Promise<Link> {
  const { duplex, identity } = init
  const eviction = new AbortController()
  let admission: Admission
  try {
    admission = init.gate.admit(init.remote, (reason) => eviction.abort(reason))
  } catch (error) {
    duplex.on('error', () => undefined)
    duplex.destroy()
    throw error
  }
  // By hand: each AbortSignal.any would leave something behind at a signal that lives as long as the daemon.
  const onAbort = () => eviction.abort(init.signal?.reason)
  init.signal?.addEventListener('abort', onAbort, { once: true })
  if (init.signal?.aborted === true) onAbort()
  try {
    return await openLink(
      { ...init, signal: eviction.signal },
      {
        isInitiator: false,
        knock: async (options) => {
          try {
            return await answerKnock(duplex, init.knockKeys, options)
          } catch (error) {
            if (isDittoError(error, 'DITTO_KNOCK_REFUSED')) admission.knockFailed()
            throw error
          }
        },
        beforeTls: (options) => admission.enterTls(options),
        secure: (match, handshakeSignal) =>
          secureAsResponder({
            duplex,
            identity,
            signal: handshakeSignal,
            accept: (peer) => init.accept(match, peer),
          }),
      },
    )
  } finally {
    init.signal?.removeEventListener('abort', onAbort)
    admission.leave()
  }
}
