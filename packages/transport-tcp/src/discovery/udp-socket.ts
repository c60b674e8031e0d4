import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

export interface UdpSocketInit {
  type: 'udp4' | 'udp6'
  port: number
  /** Every address when absent. */
  address?: string
  onMessage: (message: Buffer, source: RemoteInfo) => void
  /** Called for what goes wrong after it was bound; the socket stays usable. */
  onError: (error: Error) => void
}

/** A UDP socket that shares its port with other programs, bound. Its errors are reported, never thrown. */
export async function openUdpSocket(init: UdpSocketInit): Promise<Socket> {
  const socket = createSocket({ type: init.type, reuseAddr: true, ipv6Only: init.type === 'udp6' })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ port: init.port, ...(init.address === undefined ? {} : { address: init.address }) }, () => {
        socket.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    socket.close()
    throw error
  }
  socket.on('error', init.onError)
  socket.on('message', init.onMessage)
  return socket
}

/** Sends one datagram. @returns why it could not be sent, `undefined` when it was */
export function sendDatagram(
  socket: Socket,
  message: Uint8Array,
  port: number,
  address: string,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    try {
      socket.send(message, port, address, (error) => resolve(error ?? undefined))
    } catch (error) {
      // A socket that has been closed throws instead of calling back.
      resolve(error as Error)
    }
  })
}

/** Closes a socket, whatever state it is in. */
export function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    try {
      socket.close(resolve)
    } catch {
      resolve()
    }
  })
}

/** What went wrong with a socket, for a person. */
export function explainSocketError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return 'the system or its firewall does not allow it'
    case 'EADDRINUSE':
      return 'another program holds the port and does not share it'
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return 'no network is connected'
    default:
      return error.message
  }
}
