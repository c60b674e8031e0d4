import { createSocket } from 'node:dgram'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** The interfaces of this machine with their loopback addresses alone: nothing of a test that is told of them leaves it. */
export function loopbackInterfaces(): Record<string, NetworkInterfaceInfo[]> {
  return Object.fromEntries(
    Object.entries(networkInterfaces()).map(([name, infos]) => [name, (infos ?? []).filter((info) => info.internal)]),
  )
}

/** A UDP port that nobody uses now, for a test of its own. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(resolve))
  return port
}
