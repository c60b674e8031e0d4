import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { broadcastAddresses, type NetworkInterfaces, usableAddresses } from '../interfaces.ts'
import { BEACON_PORT } from './beacon.ts'
import { hearsOwn, type ProbeResult } from './hears-own.ts'
import { closeSocket, explainSocketError, openUdpSocket, sendDatagram } from './udp-socket.ts'

/** Too short for a beacon: devices that hear it drop it. */
const PACKET_BYTES = 8

/** Binds the port of beacons, sends one short packet to each network's broadcast address, and listens for it. */
export async function probeBroadcast(
  interfaces: NetworkInterfaces,
  { port = BEACON_PORT, timeoutMs = 500 }: { port?: number; timeoutMs?: number } = {},
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = []
  for (const [name, infos] of Object.entries(interfaces)) {
    // Loopback counts only where there is nothing else.
    const isUsable = usableAddresses(interfaces).some((entry) => entry.name === name)
    for (const address of isUsable ? broadcastAddresses({ [name]: infos ?? [] }) : []) {
      const problem = await probeAt(address, port, timeoutMs)
      results.push({ name, address, ...(problem !== undefined && { problem }) })
    }
  }
  return results
}

async function probeAt(address: string, port: number, timeoutMs: number): Promise<string | undefined> {
  let socket: Socket | undefined
  try {
    const packet = randomBytes(PACKET_BYTES)
    const heard = hearsOwn(packet, timeoutMs)
    socket = await openUdpSocket({ type: 'udp4', port, onMessage: heard.take, onError: () => undefined })
    socket.setBroadcast(true)
    const failure = await sendDatagram(socket, packet, port, address)
    if (failure !== undefined) return explainSocketError(failure)
    return (await heard.within()) ? undefined : 'what was sent did not come back'
  } catch (error) {
    return explainSocketError(error as NodeJS.ErrnoException)
  } finally {
    if (socket !== undefined) await closeSocket(socket)
  }
}
