import { connect, type Socket } from 'node:net'
import { DittoError } from '@dittofs/interface'
import { formatTcpAddress, type TcpEndpoint } from './tcp-address.ts'

export interface ConnectOptions {
  timeoutMs: number
  keepAliveAfterMs: number
  signal?: AbortSignal
}

/**
 * Opens one TCP connection that half-closes, without Nagle's delay.
 *
 * @throws DittoError DITTO_PEER_UNREACHABLE
 */
export function connectTcp(endpoint: TcpEndpoint, options: ConnectOptions): Promise<Socket> {
  const { signal, timeoutMs } = options
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...endpoint,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: options.keepAliveAfterMs,
    })
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      socket.off('connect', onConnect)
      // A reset before anybody listens for errors must not end the process; who uses the socket sees `close`.
      socket.on('error', () => undefined)
    }
    const fail = (reason: unknown): void => {
      settle()
      socket.destroy()
      reject(reason)
    }
    const onAbort = (): void => fail(signal?.reason)
    const onError = (cause: Error): void => fail(unreachable(endpoint, explain(cause), cause))
    const onConnect = (): void => {
      // On one machine TCP may connect a dialer to its own outgoing port (RFC 9293, simultaneous open).
      if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
        fail(unreachable(endpoint, 'nobody listens there'))
        return
      }
      settle()
      resolve(socket)
    }
    const timer = setTimeout(() => fail(unreachable(endpoint, `no answer within ${timeoutMs / 1000} s`)), timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('error', onError)
    socket.once('connect', onConnect)
  })
}

function unreachable(endpoint: TcpEndpoint, why: string, cause?: Error): DittoError {
  const address = formatTcpAddress(endpoint)
  return new DittoError('DITTO_PEER_UNREACHABLE', `${address} cannot be reached: ${why}.`, {
    ...(cause === undefined ? {} : { cause }),
    details: { address, reason: why },
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there, or a firewall refuses',
  EHOSTUNREACH: 'no such device answers on that network',
  EHOSTDOWN: 'no such device answers on that network',
  ENETUNREACH: 'this device has no route to that network',
  EADDRNOTAVAIL: 'this device has no address on that network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was cut at once',
  EACCES: 'the system does not allow it; look at the firewall',
  EPERM: 'the system does not allow it; look at the firewall',
  ENOTFOUND: 'no such host name is known',
  EAI_AGAIN: 'the host name cannot be looked up now',
}

function explain(error: NodeJS.ErrnoException): string {
  // A name with several addresses fails with one error for each.
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error
  return REASONS[first.code ?? ''] ?? first.message
}
