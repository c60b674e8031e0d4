import type { Event, RTCPeerConnection } from 'werift'
import type { ChosenServers } from './ice-server-choice.ts'
import { type FastDtls, type FastIce, type FastSctp, hasten } from './werift-fast-path.ts'
import { guardAllSockets, preferDirect, type RelayInternals, useRelay } from './werift-relay.ts'

/**
 * The parts of werift 0.24 that its types hide and that an association cannot do without. Everything that reaches into
 * the library is in this file; docs/decisions/0006-webrtc.md says for each part which trap makes it necessary.
 */

interface SctpInternals extends FastSctp {
  readonly onReceive: Event<[number, number, Buffer]>
  readonly flush: Event<unknown[]>
  readonly inboundStreams: object
  abort(): Promise<void>
  stop(): Promise<void>
}

interface SctpTransportInternals {
  readonly sctp: SctpInternals
  readonly dtlsTransport: FastDtls
  readonly remoteMaxMessageSize: number
  readonly dataChannelQueue: readonly unknown[]
  datachannelReceive(stream: number, protocol: number, data: Buffer): Promise<void>
}

interface StunRequest {
  getAttributeValue(name: 'USERNAME'): string | undefined
}

interface IceProtocol {
  readonly type: string
  readonly localCandidate?: unknown
  close(): Promise<void>
}

interface IceInternals extends RelayInternals, FastIce {
  stunServer: HostAndPort | undefined
  turnServer: HostAndPort | undefined
  readonly localUsername: string
  readonly userHistory: Readonly<Record<string, string>>
  readonly remoteCandidates: readonly unknown[]
  readonly earlyChecks: readonly unknown[]
  protocols: IceProtocol[]
  readonly nominated:
    | (FastIce['nominated'] & { readonly packetsReceived: number; readonly responsesReceived: number })
    | undefined
  readonly options: {
    filterStunResponse?: (request: StunRequest) => boolean
    turnUsername?: string
    turnPassword?: string
    turnTransport?: 'udp' | 'tcp' | 'tls'
  }
}

type HostAndPort = readonly [host: string, port: number]

/** More out-of-order packets than a window of full ones could hold, eight times over: browsers also send small ones. */
const MAX_MISORDERED_PACKETS = 8_192
/** One data channel uses one stream. */
const MAX_STREAMS = 4
/**
 * What was on its way when the window closed, and the packet by which a sender asks whether it is open again (RFC 9260,
 * 6.1), are no fault: browsers send both.
 */
const MAX_PAST_WINDOW_BYTES = 128 * 1024
/** Candidates and checks that came before the answer; a connection has a handful, a flood has not. */
const MAX_REMOTE_CANDIDATES = 128
const MAX_EARLY_CHECKS = 256

guardAllSockets()

/** The ICE agent of a connection, which has one once it has a data channel or a remote description. */
export function iceOf(connection: RTCPeerConnection): IceInternals | undefined {
  return connection.iceTransports[0]?.connection as unknown as IceInternals | undefined
}

/** The SCTP transport, likewise. */
export function sctpOf(connection: RTCPeerConnection): SctpTransportInternals | undefined {
  return (connection.sctpTransport ?? undefined) as unknown as SctpTransportInternals | undefined
}

/**
 * Makes what comes over SCTP harmless: errors end the association instead of the process, and memory is bounded.
 *
 * @param ice - gives the agent in use
 * @param onHostile - called with what happened; close the association
 */
export function guardSctp(
  transport: SctpTransportInternals,
  ice: () => IceInternals | undefined,
  onHostile: (reason: unknown) => void,
): void {
  const { sctp } = transport
  const receive = hasten(sctp, transport.dtlsTransport, ice)
  transport.dtlsTransport.dataReceiver = (packet) => {
    // Without a catch in werift: a malformed packet would be an uncaught rejection.
    receive(packet).catch(onHostile)
    const isTooMuch =
      // Falls below zero when the other side sends more than the window: werift counts and does not refuse.
      sctp.advertisedRwnd < -MAX_PAST_WINDOW_BYTES ||
      sctp.sackMisOrdered.size > MAX_MISORDERED_PACKETS ||
      Object.keys(sctp.inboundStreams).length > MAX_STREAMS
    if (isTooMuch) onHostile(new Error('the other side ignores the SCTP receive window or opens many streams'))
  }
  sctp.onReceive.allUnsubscribe()
  sctp.onReceive.subscribe((stream, protocol, data) => {
    transport.datachannelReceive(stream, protocol, data).catch(onHostile)
  })
}

/**
 * Says which servers are asked at the next gathering. werift takes one of each kind, and a public STUN server of Google's
 * for granted where it is given none.
 */
export function useServers(ice: IceInternals, { stun, turn }: ChosenServers): void {
  ice.stunServer = stun && [stun.host, stun.port]
  ice.turnServer = turn && [turn.host, turn.port]
  if (turn === undefined) return
  ice.options.turnUsername = turn.username
  ice.options.turnPassword = turn.credential
  ice.options.turnTransport = turn.transport
}

/**
 * Answers checks only of those who were told our user name: werift takes in a candidate from everyone who sends any STUN
 * request.
 */
export function guardIce(ice: IceInternals): void {
  preferDirect(ice)
  ice.options.filterStunResponse = (request) => {
    const [ufrag] = (request.getAttributeValue('USERNAME') ?? '').split(':')
    return (
      ufrag !== undefined &&
      Object.hasOwn(ice.userHistory, ufrag) &&
      ice.remoteCandidates.length <= MAX_REMOTE_CANDIDATES &&
      ice.earlyChecks.length <= MAX_EARLY_CHECKS
    )
  }
}

/** Relays that are in use already. */
const relays = new WeakSet<object>()

/** Puts relayed candidates to use; to be called when a candidate was found. */
export function useRelays(ice: IceInternals): void {
  for (const protocol of ice.protocols) useRelay(ice, protocol, relays)
}

/**
 * Gives up the sockets of the generation before, so that a restart gathers anew: werift asks no STUN server again for an
 * address that it has a socket for, and a socket can outlive the network it was made in.
 */
export async function dropSockets(ice: IceInternals): Promise<void> {
  const old = ice.protocols
  ice.protocols = []
  await Promise.allSettled(old.map((protocol) => protocol.close()))
}

/** Whether all that was handed to SCTP has been acknowledged by the other side. */
export function isAcknowledged(transport: SctpTransportInternals): boolean {
  return (
    transport.dataChannelQueue.length === 0 &&
    transport.sctp.outboundQueue.length === 0 &&
    transport.sctp.sentQueue.length === 0
  )
}
