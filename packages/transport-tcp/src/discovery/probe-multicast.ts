import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { type NetworkInterfaces, usableAddresses } from '../interfaces.ts'
import { hearsOwn, type ProbeResult } from './hears-own.ts'
import { MDNS_PORT } from './mdns.ts'
import { closeSocket, explainSocketError, openUdpSocket, sendDatagram } from './udp-socket.ts'

const GROUP = '224.0.0.251'
/** A DNS answer without a record: everybody who hears it has nothing to do (RFC 6762, section 18). */
const ANSWER_FLAGS = Buffer.of(0x84, 0, 0, 0, 0, 0, 0, 0, 0, 0)

/** Joins the mDNS group on each IPv4 interface, sends one packet without content to it, and listens for it. */
export async function probeMulticast(
  interfaces: NetworkInterfaces,
  { port = MDNS_PORT, timeoutMs = 500 }: { port?: number; timeoutMs?: number } = {},
): Promise<ProbeResult[]> {
  const results: ProbeResult[] = []
  for (const { name, address } of usableAddresses(interfaces).filter(({ family }) => family === 'IPv4')) {
    const problem = await probeAt(address, port, timeoutMs)
    results.push({ name, address, ...(problem !== undefined && { problem }) })
  }
  return results
}

async function probeAt(address: string, port: number, timeoutMs: number): Promise<string | undefined> {
  const open: Socket[] = []
  try {
    const packet = Buffer.concat([randomBytes(2), ANSWER_FLAGS])
    const heard = hearsOwn(packet, timeoutMs)
    const receiver = await openUdpSocket({ type: 'udp4', port, onMessage: heard.take, onError: () => undefined })
    open.push(receiver)
    receiver.addMembership(GROUP, address)
    const sender = await openUdpSocket({
      ...{ type: 'udp4', port: 0, address, onMessage: () => undefined, onError: () => undefined },
    })
    open.push(sender)
    sender.setMulticastInterface(address)
    sender.setMulticastTTL(255)
    const failure = await sendDatagram(sender, packet, port, GROUP)
    if (failure !== undefined) return explainSocketError(failure)
    return (await heard.within()) ? undefined : 'what was sent did not come back'
  } catch (error) {
    return explainSocketError(error as NodeJS.ErrnoException)
  } finally {
    for (const socket of open) await closeSocket(socket)
  }
}
