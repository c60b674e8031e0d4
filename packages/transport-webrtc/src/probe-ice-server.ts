import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIP, isIPv6 } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { AbortOptions } from '@dittofs/interface'
import type { IceUrl } from '@dittofs/wire'

/** A packet may be lost. */
const RESEND_MS = 500
const BINDING_REQUEST = 0x0001
const ALLOCATE_REQUEST = 0x0003
const MAGIC_COOKIE = 0x2112a442
const HEADER_BYTES = 20
/** REQUESTED-TRANSPORT: UDP (RFC 8656 section 18.6). */
const REQUESTED_TRANSPORT = Buffer.of(0x00, 0x19, 0x00, 0x04, 17, 0, 0, 0)

/**
 * Whether a STUN or TURN server is there. A STUN server is asked for a binding. A TURN server is asked for an allocation
 * without saying who asks, which it refuses: that is an answer, and leaves nothing behind there.
 *
 * @returns resolves when it has answered, or cannot be reached, or the signal is aborted; never rejects
 */
export async function probeIceServer(server: IceUrl, { signal }: Required<AbortOptions>): Promise<boolean> {
  if (signal.aborted) return false
  const request = makeRequest(server.kind)
  return server.transport === 'udp' ? probeUdp(server, request, signal) : probeStream(server, request, signal)
}

function makeRequest(kind: IceUrl['kind']): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(kind === 'stun' ? BINDING_REQUEST : ALLOCATE_REQUEST)
  header.writeUInt32BE(MAGIC_COOKIE, 4)
  randomBytes(12).copy(header, 8)
  if (kind === 'stun') return header
  header.writeUInt16BE(REQUESTED_TRANSPORT.length, 2)
  return Buffer.concat([header, REQUESTED_TRANSPORT])
}

/** A response, whether success or error, to that request (RFC 8489 section 5). */
function isAnswer(answer: Buffer, request: Buffer): boolean {
  return (
    answer.length >= HEADER_BYTES &&
    (answer.readUInt16BE() & 0xc100) === 0x0100 &&
    answer.subarray(4, HEADER_BYTES).equals(request.subarray(4, HEADER_BYTES))
  )
}

function probeUdp({ host, port }: IceUrl, request: Buffer, signal: AbortSignal): Promise<boolean> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    const settle = (isThere: boolean) => {
      clearInterval(resend)
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('message')
      resolve(isThere)
      socket.close()
    }
    const onAbort = () => settle(false)
    // A port that nobody listens at, or a network that is not there, may be told: the others answer all the same.
    socket.on('error', () => undefined)
    socket.on('message', (answer) => {
      if (isAnswer(answer, request)) settle(true)
    })
    const send = () => socket.send(request, port, host, () => undefined)
    const resend = setInterval(send, RESEND_MS)
    signal.addEventListener('abort', onAbort, { once: true })
    send()
  })
}

function probeStream({ host, port, transport }: IceUrl, request: Buffer, signal: AbortSignal): Promise<boolean> {
  const socket =
    transport === 'tls'
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) })
      : connect({ host, port })
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const settle = (isThere: boolean) => {
      signal.removeEventListener('abort', onAbort)
      resolve(isThere)
      socket.destroy()
    }
    const onAbort = () => settle(false)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', () => settle(false))
    socket.once('close', () => settle(false))
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      if (received.length >= HEADER_BYTES) settle(isAnswer(received, request))
    })
    socket.once(transport === 'tls' ? 'secureConnect' : 'connect', () => socket.write(request))
  })
}
