import { isIP, isIPv4 } from 'node:net'
import { laneError } from './lane-message.ts'

/** One candidate of the other side; `undefined` says that there are no more. */
export interface IceCandidateSignal {
  /** The candidate attribute, written anew: `candidate:FOUNDATION 1 udp ...`. */
  readonly candidate: string
  /** The ICE user name it belongs to, so that those from before a restart are told apart. */
  readonly ufrag: string | undefined
}

const MAX_BODY_CHARACTERS = 1_024
const CANDIDATE =
  /^(?:candidate:)?([A-Za-z0-9+/]{1,32}) 1 (?:udp|UDP) (\d{1,10}) ([0-9A-Fa-f:.]{2,45}) (\d{1,5}) typ (host|srflx|relay)(?: .{0,256})?$/
const UFRAG = /^[A-Za-z0-9+/]{4,256}$/

/**
 * Reads a candidate of another device: UDP, a literal address, nothing that has to be looked up.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export function parseCandidate(body: string): IceCandidateSignal | undefined {
  const { candidate, usernameFragment } = readBody(body)
  if (candidate === '') return undefined
  const [, foundation, priority, host, port, type] = CANDIDATE.exec(candidate) ?? []
  if (
    host === undefined ||
    !isReachable(host) ||
    Number(port) > 65_535 ||
    Number(port) < 1 ||
    Number(priority) >= 2 ** 31
  )
    throw badCandidate()
  const ufrag = typeof usernameFragment === 'string' && UFRAG.test(usernameFragment) ? usernameFragment : undefined
  return {
    candidate: `candidate:${foundation} 1 udp ${priority} ${host} ${port} typ ${type}${relatedAddress(type, host)}`,
    ufrag,
  }
}

export function formatCandidate(candidate: string, ufrag: string | undefined): string {
  return JSON.stringify({ candidate, sdpMLineIndex: 0, ...(ufrag === undefined ? {} : { usernameFragment: ufrag }) })
}

/** Says that no more candidates come. */
export const NO_MORE_CANDIDATES = JSON.stringify({ candidate: '', sdpMLineIndex: 0 })

function readBody(body: string): { candidate: string; usernameFragment: unknown } {
  if (body.length > MAX_BODY_CHARACTERS) throw badCandidate()
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw badCandidate()
  }
  if (typeof value !== 'object' || value === null) throw badCandidate()
  const { candidate, usernameFragment } = value as Record<string, unknown>
  if (typeof candidate !== 'string') throw badCandidate()
  return { candidate, usernameFragment }
}

/** Whether packets to that address can be meant for one device: no multicast, no broadcast, not "anywhere". */
function isReachable(host: string): boolean {
  if (isIP(host) === 0) return false
  if (isIPv4(host)) return !/^(?:0\.|22[4-9]\.|2[345]\d\.)/.test(host)
  return !/^(?:ff|::$|::ffff:|0*:)/i.test(host) || host === '::1'
}

/** A reflexive or relayed candidate must name the address behind it; which one is of no use to the other side. */
function relatedAddress(type: string | undefined, host: string): string {
  if (type === 'host') return ''
  return isIPv4(host) ? ' raddr 0.0.0.0 rport 0' : ' raddr :: rport 0'
}

function badCandidate(): Error {
  return laneError('An ICE candidate has a form that is not in the protocol.')
}
