import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

const TIMEOUT_MS = 3000
const RESEND_MS = 500
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const MAGIC_COOKIE = 0x2112a442
const HEADER_BYTES = 20

/**
 * Asks a STUN server for a binding (RFC 8489 sections 5 and 6.2.1).
 *
 * @param server - `HOST:PORT`, IPv6 in brackets
 * @returns what is wrong, without a full stop; `undefined` where it answers
 */
export async function probeStun(server: string): Promise<string | undefined> {
  const at = server.lastIndexOf(':')
  const host = server.slice(0, at).replace(/^\[|\]$/g, '')
  const request = Buffer.alloc(HEADER_BYTES)
  request.writeUInt16BE(BINDING_REQUEST)
  request.writeUInt32BE(MAGIC_COOKIE, 4)
  randomBytes(12).copy(request, 8)
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  let timer: NodeJS.Timeout | undefined
  let resend: NodeJS.Timeout | undefined
  try {
    return await new Promise<string | undefined>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) =>
        resolve(`it cannot be reached (${error.code ?? error.message})`),
      )
      socket.on('message', (answer) => {
        const isAnswer = answer.length >= HEADER_BYTES && answer.subarray(4, HEADER_BYTES).equals(request.subarray(4))
        if (isAnswer) resolve(answer.readUInt16BE() === BINDING_SUCCESS ? undefined : 'it refused to answer')
      })
      timer = setTimeout(() => resolve('it does not answer'), TIMEOUT_MS)
      const send = () => {
        socket.send(request, Number(server.slice(at + 1)), host, (error: NodeJS.ErrnoException | null) => {
          if (error !== null) resolve(`it cannot be reached (${error.code ?? error.message})`)
        })
      }
      // A packet may be lost.
      resend = setInterval(send, RESEND_MS)
      send()
    })
  } finally {
    clearTimeout(timer)
    clearInterval(resend)
    socket.close()
  }
}
