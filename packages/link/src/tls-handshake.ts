import type { Duplex } from 'node:stream'
import { connect, TLSSocket } from 'node:tls'
import { type DeviceKey, DittoError } from '@dittofs/interface'
import type { Identity } from './identity.ts'
import { checkPeer } from './peer-check.ts'
import { HANDSHAKE_OPTIONS, secureContextOf } from './tls-options.ts'

interface HandshakeInit {
  duplex: Duplex
  identity: Identity
  /** Judges the peer's key, in the tick in which the handshake finished. */
  accept: (peer: DeviceKey) => boolean
  signal: AbortSignal
}

export interface SecuredSocket {
  readonly socket: TLSSocket
  readonly peer: DeviceKey
}

/** @throws DittoError DITTO_PEER_UNTRUSTED, DITTO_LINK_CUT */
export function secureAsInitiator(init: HandshakeInit): Promise<SecuredSocket> {
  const socket = connect({
    ...HANDSHAKE_OPTIONS,
    socket: init.duplex,
    secureContext: secureContextOf(init.identity),
  })
  return handshake(init, socket, 'secureConnect')
}

/** @throws DittoError DITTO_PEER_UNTRUSTED, DITTO_LINK_CUT */
export function secureAsResponder(init: HandshakeInit): Promise<SecuredSocket> {
  const socket = new TLSSocket(init.duplex, {
    ...HANDSHAKE_OPTIONS,
    isServer: true,
    secureContext: secureContextOf(init.identity),
  })
  return handshake(init, socket, 'secure')
}

function handshake(init: HandshakeInit, socket: TLSSocket, done: 'secure' | 'secureConnect'): Promise<SecuredSocket> {
  const { duplex, signal } = init
  return new Promise((resolve, reject) => {
    let failure: unknown
    const settle = (finish: () => void) => {
      socket.off(done, onDone)
      socket.off('end', onCut)
      socket.off('close', onCut)
      duplex.off('close', onCut)
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    const fail = (reason: unknown) =>
      settle(() => {
        socket.destroy()
        duplex.destroy()
        reject(reason)
      })
    const onDone = () => {
      try {
        const peer = checkPeer(socket, init.accept)
        settle(() => resolve({ socket, peer }))
      } catch (error) {
        fail(error)
      }
    }
    const onCut = () => fail(handshakeFailed(failure))
    const onAbort = () => fail(signal.reason)
    // Stays for good: an error after this promise has settled must not be an uncaught one.
    socket.on('error', (error) => {
      failure ??= error
    })
    socket.on(done, onDone)
    socket.on('end', onCut)
    socket.on('close', onCut)
    duplex.on('close', onCut)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

function handshakeFailed(cause: unknown): DittoError {
  return new DittoError('DITTO_LINK_CUT', 'The connection ended before the two devices had proved who they are.', {
    cause,
  })
}
