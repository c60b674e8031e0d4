import type { TLSSocket } from 'node:tls'
import { type DeviceKey, DittoError } from '@dittofs/interface'
import { deviceKeyOf } from './ed25519.ts'
import { ALPN_PROTOCOL } from './tls-options.ts'

/**
 * Who is at the other end of a finished handshake. TLS itself lets in peers without a certificate, without ALPN, with
 * RSA keys or with somebody's saved session, so each is asked about here, and `authorized` never.
 *
 * Must run in the very tick in which the handshake finished: a socket destroyed in that tick has not yet sent our own
 * certificate.
 *
 * @param accept - whether that device is the one wanted
 * @throws DittoError DITTO_PEER_UNTRUSTED
 */
export function checkPeer(socket: TLSSocket, accept: (peer: DeviceKey) => boolean): DeviceKey {
  if (socket.isSessionReused()) throw untrusted('it tried to resume an old session')
  if (socket.getProtocol() !== 'TLSv1.3') throw untrusted('it does not speak TLS 1.3')
  if (socket.alpnProtocol !== ALPN_PROTOCOL) throw untrusted(`it does not speak ${ALPN_PROTOCOL}`)
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw untrusted('it showed no certificate')
  const peer = deviceKeyOf(certificate.publicKey)
  if (peer === undefined) throw untrusted('its certificate holds no Ed25519 key')
  if (!accept(peer)) throw untrusted('it is not a device that is expected here')
  return peer
}

function untrusted(why: string): DittoError {
  return new DittoError('DITTO_PEER_UNTRUSTED', `The other device was refused: ${why}.`)
}
