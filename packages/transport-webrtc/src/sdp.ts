import { laneError } from './lane-message.ts'

/** What an offer or answer says that a data channel needs; everything else in it is ignored. */
export interface SessionParameters {
  readonly mid: string
  readonly iceUfrag: string
  readonly icePassword: string
  /** SHA-256 of the other side's certificate, as `AB:CD:...`. */
  readonly fingerprint: string
  readonly setup: 'actpass' | 'active' | 'passive'
  readonly sctpPort: number
  /** Bytes of the longest message the other side takes; 0 is any length. */
  readonly maxMessageBytes: number
}

const MAX_SDP_CHARACTERS = 8 * 1024
const MAX_LINES = 128
/** Less than this and every message would be mostly header. */
const MIN_MESSAGE_BYTES = 1_024
const DEFAULT_MESSAGE_BYTES = 65_536

const MEDIA = /^m=application \d{1,5} UDP\/DTLS\/SCTP webrtc-datachannel$/
const FIELDS = {
  mid: /^[A-Za-z0-9_-]{1,16}$/,
  'ice-ufrag': /^[A-Za-z0-9+/]{4,256}$/,
  'ice-pwd': /^[A-Za-z0-9+/]{22,256}$/,
  fingerprint: /^sha-256 [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31}$/,
  setup: /^(?:actpass|active|passive)$/,
  'sctp-port': /^[1-9]\d{0,4}$/,
  'max-message-size': /^\d{1,10}$/,
} as const
type Field = keyof typeof FIELDS

/**
 * Reads an offer or answer of another device, strictly: one data channel section, each attribute once.
 *
 * @throws DittoError DITTO_PROTOCOL
 */
export function parseSdp(sdp: string): SessionParameters {
  if (sdp.length > MAX_SDP_CHARACTERS || !sdp.startsWith('v=0')) throw badSdp()
  const lines = sdp.split(/\r?\n/, MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw badSdp()
  const media = lines.filter((line) => line.startsWith('m='))
  if (media.length !== 1 || !MEDIA.test(media[0]!)) throw badSdp()
  const fields = readFields(lines)
  const sctpPort = Number(fields.get('sctp-port'))
  const maxMessageBytes = Number(fields.get('max-message-size') ?? DEFAULT_MESSAGE_BYTES)
  if (sctpPort > 65_535 || (maxMessageBytes > 0 && maxMessageBytes < MIN_MESSAGE_BYTES)) throw badSdp()
  const need = (name: Field): string => fields.get(name) ?? fail()
  return {
    mid: need('mid'),
    iceUfrag: need('ice-ufrag'),
    icePassword: need('ice-pwd'),
    fingerprint: need('fingerprint').slice('sha-256 '.length).toUpperCase(),
    setup: need('setup') as SessionParameters['setup'],
    sctpPort: Number(need('sctp-port')),
    maxMessageBytes,
  }
}

/** The description written anew from what was read, so that no text of another device reaches the WebRTC library. */
export function formatSdp(session: SessionParameters): string {
  return [
    'v=0',
    'o=- 1 0 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${session.mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${session.iceUfrag}`,
    `a=ice-pwd:${session.icePassword}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${session.fingerprint}`,
    `a=setup:${session.setup}`,
    `a=mid:${session.mid}`,
    `a=sctp-port:${session.sctpPort}`,
    `a=max-message-size:${session.maxMessageBytes}`,
    '',
  ].join('\r\n')
}

function readFields(lines: readonly string[]): Map<Field, string> {
  const fields = new Map<Field, string>()
  for (const line of lines) {
    const [, name, value] = /^a=([a-z-]+):(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined || !Object.hasOwn(FIELDS, name)) continue
    const field = name as Field
    if (fields.has(field) || !FIELDS[field].test(value)) throw badSdp()
    fields.set(field, value)
  }
  return fields
}

function fail(): never {
  throw badSdp()
}

function badSdp(): Error {
  return laneError('An offer or answer is not one for a data channel.')
}
