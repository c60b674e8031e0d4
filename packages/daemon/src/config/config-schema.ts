import { CHUNKERS, type ChunkerKind, DURABILITIES, type Durability } from '@dittofs/interface'
import { METERED_FILES, type MeteredFiles, PROFILE_CHOICES, type ProfileChoice } from '@dittofs/sync'
import { type IceUrl, parseIceUrl, parseSignalOrigin } from '@dittofs/wire'
import { parseByteSize } from '../limits/byte-size.ts'
import { isReserve } from '../limits/disk-reserve.ts'
import { parseHours } from '../limits/limit-hours.ts'
import { parseRate } from '../limits/rate.ts'

/** Which content a device fetches by itself. */
export const FETCH_POLICIES = ['all', 'on-demand'] as const
export type FetchPolicy = (typeof FETCH_POLICIES)[number]

/** Which symlinks are written to disk. */
export const SYMLINK_POLICIES = ['inside', 'all'] as const
export type SymlinkPolicy = (typeof SYMLINK_POLICIES)[number]

/** Whether Bluetooth is used. Words and not true or false: there may be more ways to use it one day. */
export const BLUETOOTH_POLICIES = ['off', 'on'] as const
export type BluetoothPolicy = (typeof BLUETOOTH_POLICIES)[number]

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What `config.toml` says, with every key's default filled in. The keys are described in {@link CONFIG_KEYS}. */
export interface Config {
  readonly name: string
  readonly port: number
  readonly host: string
  readonly mdns: boolean
  readonly beacon: boolean
  readonly bluetooth: BluetoothPolicy
  readonly signaling: readonly string[]
  readonly stun: string | readonly string[]
  readonly turn: string | readonly string[]
  readonly turn_username: string
  readonly turn_credential: string
  readonly peers: readonly string[]
  readonly fetch: FetchPolicy
  readonly durability: Durability
  readonly chunker: ChunkerKind
  readonly symlinks: SymlinkPolicy
  readonly upload_limit: string
  readonly download_limit: string
  readonly limit_hours: readonly string[]
  readonly profile: ProfileChoice
  readonly metered: MeteredFiles
  readonly metered_file_limit: string
  readonly reserve: string
  readonly growth_limit: string
  readonly growth_share: number
  readonly history_days: number
  readonly history_versions: number
  readonly merge_text: boolean
  readonly log_level: LogLevel
  readonly log_bytes: number
}

/** One key: what it takes, said for a person, and the check of it. */
export interface ConfigKey<Value> {
  readonly fallback: Value
  /** Completes the sentence "`key` must be …". */
  readonly expected: string
  readonly isValid: (value: unknown) => boolean
  readonly description: string
}

const RATE_EXPECTED = 'a rate of at least 64 KiB a second written like "500 KiB" or "2 MiB", or empty'
const MAX_NAME_BYTES = 128
const MAX_PEERS = 256
const MAX_SIGNALING_SERVERS = 4
const MAX_ICE_SERVERS = 4
const PEER = /^(\[[0-9a-fA-F:.]+(%[0-9a-zA-Z]+)?\]|[^\s[\]:/]+):([0-9]{1,5})$/

/** Whether `text` is `HOST:PORT`, an IPv6 address in brackets. */
export function isPeerAddress(text: string): boolean {
  const port = Number(PEER.exec(text)?.[3])
  return port >= 1 && port <= 65_535
}

/** The URLs of the STUN or TURN servers that a key names. */
export function iceUrls(kind: IceUrl['kind'], servers: string | readonly string[]): readonly string[] {
  return [servers].flat().flatMap((server) => (server === '' ? [] : [iceUrl(kind, server)]))
}

/** A server may be written without the scheme that its key says anyway. */
function iceUrl(kind: IceUrl['kind'], server: string): string {
  return isPeerAddress(server) ? `${kind}:${server}` : server
}

/** Every key of `config.toml`, in the order in which the file and docs/configuration.md show them. */
export const CONFIG_KEYS: { readonly [Key in keyof Config]: ConfigKey<Config[Key]> } = {
  name: {
    fallback: '',
    expected: `text of at most ${MAX_NAME_BYTES} bytes without control characters`,
    isValid: isLabel,
    description: 'What people see this device called. Empty: the name of this machine.',
  },
  port: {
    fallback: 0,
    expected: 'a whole number from 0 to 65535',
    isValid: (value) => isIntegerFrom(value, 0, 65_535),
    description:
      'The TCP port that other devices connect to. 0: any free one, found again by discovery; choose a fixed one for a firewall rule.',
  },
  host: {
    fallback: '',
    expected: 'text, an IP address of this machine',
    isValid: isLabel,
    description: 'The address to listen at. Empty: every interface, IPv4 and IPv6.',
  },
  mdns: {
    fallback: true,
    expected: 'true or false',
    isValid: isBoolean,
    description: 'Find devices in the local network by multicast DNS.',
  },
  beacon: {
    fallback: true,
    expected: 'true or false',
    isValid: isBoolean,
    description: 'Find devices in the local network by a UDP broadcast, for networks that filter multicast.',
  },
  bluetooth: {
    fallback: 'off',
    expected: oneOf(BLUETOOTH_POLICIES),
    isValid: isOneOf(BLUETOOTH_POLICIES),
    description:
      'Find and reach devices nearby by Bluetooth LE. "on": where this machine has an adapter; status says why it does not work. Anybody nearby can see that a device is here, but not whose.',
  },
  signaling: {
    fallback: [],
    expected: `a list of at most ${MAX_SIGNALING_SERVERS} servers written "wss://HOST" or "ws://HOST:PORT"`,
    isValid: (value) =>
      Array.isArray(value) &&
      value.length <= MAX_SIGNALING_SERVERS &&
      value.every((server) => typeof server === 'string' && isSignalingServer(server)),
    description:
      'Signaling servers, through which devices that share no network find a way to each other by WebRTC. A server sees which of its keys talk to each other and when, not what they say. Empty: none.',
  },
  stun: {
    fallback: [],
    expected: `a server, or a list of at most ${MAX_ICE_SERVERS}, each written "HOST:PORT"; STUN goes over UDP alone`,
    isValid: (value) => areIceServers(value, 'stun'),
    description:
      'STUN servers, which tell this device its address outside. The first that answers is asked. Empty: none.',
  },
  turn: {
    fallback: [],
    expected: `a server, or a list of at most ${MAX_ICE_SERVERS}, each written "HOST:PORT" for UDP, "turn:HOST:PORT?transport=tcp" for TCP or "turns:HOST:PORT" for TLS; TURN over DTLS is not supported`,
    isValid: (value) => areIceServers(value, 'turn'),
    description:
      'TURN servers, which pass on what two devices say where no direct way is, the first that answers. They see how much, not what. Over TCP or TLS they are reached from networks that let no UDP out. They take `turn_username` and `turn_credential`. Empty: none.',
  },
  turn_username: {
    fallback: '',
    expected: `text of at most ${MAX_NAME_BYTES} bytes without control characters`,
    isValid: isLabel,
    description: 'The user name that the TURN servers know this device by.',
  },
  turn_credential: {
    fallback: '',
    expected: `text of at most ${MAX_NAME_BYTES} bytes without control characters`,
    isValid: isLabel,
    description: 'The password that goes with it.',
  },
  peers: {
    fallback: [],
    expected: `a list of at most ${MAX_PEERS} addresses written "HOST:PORT"`,
    isValid: (value) =>
      Array.isArray(value) &&
      value.length <= MAX_PEERS &&
      value.every((peer) => typeof peer === 'string' && isPeerAddress(peer)),
    description: 'Addresses to connect to beside those that are found, as "192.0.2.7:4100" or "nas.example:4100".',
  },
  fetch: {
    fallback: 'all',
    expected: oneOf(FETCH_POLICIES),
    isValid: isOneOf(FETCH_POLICIES),
    description:
      'Which content this device fetches by itself. "all": everything. "on-demand": only what is read; the tree is complete all the same.',
  },
  durability: {
    fallback: 'group',
    expected: oneOf(DURABILITIES),
    isValid: isOneOf(DURABILITIES),
    description:
      'How sure a write is before it counts as done. "full": each file is on stable storage. "group": one barrier for many files. "none": whenever the system gets to it.',
  },
  chunker: {
    fallback: 'fastcdc',
    expected: oneOf(CHUNKERS),
    isValid: isOneOf(CHUNKERS),
    description:
      'How the files of spaces made here are cut. "fastcdc": by content, so that an insertion shifts nothing. "fixed": every 64 KiB. A space keeps what it was made with.',
  },
  symlinks: {
    fallback: 'inside',
    expected: oneOf(SYMLINK_POLICIES),
    isValid: isOneOf(SYMLINK_POLICIES),
    description:
      'Which symlinks are written to disk. "inside": those whose target is relative and stays within what is written; others are kept in the space and reported. "all": every one, as its author made it.',
  },
  upload_limit: {
    fallback: '',
    expected: RATE_EXPECTED,
    isValid: isRate,
    description:
      'What content is sent at to all devices together, a second: "500 KiB", "2 MiB". Empty: as fast as it goes. File names and changes are never held up.',
  },
  download_limit: {
    fallback: '',
    expected: RATE_EXPECTED,
    isValid: isRate,
    description: 'What content is fetched at from all devices together, a second. Empty: as fast as it goes.',
  },
  limit_hours: {
    fallback: [],
    expected: 'a list of at most 50 times written like "mon-fri 08:00-18:00" or "22:00-06:00"',
    isValid: (value) =>
      Array.isArray(value) &&
      value.length <= 50 &&
      value.every((text) => typeof text === 'string' && parseHours(text) !== undefined),
    description:
      'When the two limits above are in force, by the time of this machine: days and hours, or hours of every day. Empty: always.',
  },
  profile: {
    fallback: 'auto',
    expected: oneOf(PROFILE_CHOICES),
    isValid: isOneOf(PROFILE_CHOICES),
    description:
      'How much is asked for ahead, stored at once and held in memory while content is fetched. "auto": for each link what suits its rate and round trip, the memory of this machine and what waits; status shows it. The others: the same for all links (see Profiles).',
  },
  metered: {
    fallback: 'small',
    expected: oneOf(METERED_FILES),
    isValid: isOneOf(METERED_FILES),
    description:
      'Which files come by themselves over links that cost money or battery, as Bluetooth, while no other leads to a device. "small": those up to `metered_file_limit`. "all": all of them, small ones first. "none": only names and changes. What you ask for comes anyway.',
  },
  metered_file_limit: {
    fallback: '1 MiB',
    expected: 'a size written like "500 KiB" or "2 MiB"',
    isValid: (value) => typeof value === 'string' && parseByteSize(value) !== undefined,
    description: 'How large a file may be and still count as small for `metered`.',
  },
  reserve: {
    fallback: '',
    expected: 'a size written like "500 MiB" or "2 GiB", or "0", or empty',
    isValid: (value) => typeof value === 'string' && isReserve(value),
    description:
      'What stays free on a disk: content that nobody asked for, and files of live folders, wait while there is less. Empty: 1 GiB or 5 % of the disk, whichever is more. "0": nothing.',
  },
  growth_limit: {
    fallback: '10 GiB',
    expected: 'a size written like "500 MiB" or "10 GiB", or "0"',
    isValid: (value) => value === '0' || (typeof value === 'string' && parseByteSize(value) !== undefined),
    description:
      'What the changes of one other device may bring here of a space in a day by themselves. What goes beyond waits until you agree with "dittofs accept"; what you ask for comes anyway. "0": as much as there is.',
  },
  growth_share: {
    fallback: 25,
    expected: 'a whole number from 0 to 100',
    isValid: (value) => isIntegerFrom(value, 0, 100),
    description:
      'The same, in hundredths of what is free on the disk; the smaller of the two holds. 0: as much as there is.',
  },
  history_days: {
    fallback: 30,
    expected: 'a whole number from 0 to 3650',
    isValid: (value) => isIntegerFrom(value, 0, 3650),
    description: 'How many days a version that was replaced, and what was deleted, is kept and can be brought back.',
  },
  history_versions: {
    fallback: 5,
    expected: 'a whole number from 1 to 1000',
    isValid: (value) => isIntegerFrom(value, 1, 1000),
    description: 'How many versions of a file, the current one included, are kept however old they are.',
  },
  merge_text: {
    fallback: true,
    expected: 'true or false',
    isValid: isBoolean,
    description:
      'Merge two versions of a text file of at most 1 MiB by itself where they changed different lines. Both stay in the history.',
  },
  log_level: {
    fallback: 'info',
    expected: oneOf(LOG_LEVELS),
    isValid: isOneOf(LOG_LEVELS),
    description: 'The least important entries that are logged.',
  },
  log_bytes: {
    fallback: 10_000_000,
    expected: 'a whole number from 100000 to 1000000000',
    isValid: (value) => isIntegerFrom(value, 100_000, 1_000_000_000),
    description: 'Size at which a log file is put aside; it and the three before it are kept.',
  },
}

/** What is used where `config.toml` says nothing. */
export const DEFAULT_CONFIG = Object.fromEntries(
  Object.entries(CONFIG_KEYS).map(([key, { fallback }]) => [key, fallback]),
) as unknown as Config

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isIntegerFrom(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isRate(value: unknown): boolean {
  return value === '' || (typeof value === 'string' && parseRate(value) !== undefined)
}

/** Control characters have no place in what is printed to terminals and announced to other devices. */
function isLabel(value: unknown): boolean {
  return typeof value === 'string' && Buffer.byteLength(value) <= MAX_NAME_BYTES && !/\p{Cc}/u.test(value)
}

function oneOf(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(' or ')
}

function areIceServers(value: unknown, kind: IceUrl['kind']): boolean {
  if (value === '') return true
  const servers = Array.isArray(value) ? (value as unknown[]) : [value]
  return servers.length <= MAX_ICE_SERVERS && servers.every((server) => isIceServer(server, kind))
}

function isIceServer(server: unknown, kind: IceUrl['kind']): boolean {
  if (typeof server !== 'string') return false
  try {
    return parseIceUrl(iceUrl(kind, server)).kind === kind
  } catch {
    return false
  }
}

function isSignalingServer(text: string): boolean {
  try {
    parseSignalOrigin(text)
    return true
  } catch {
    return false
  }
}

function isOneOf(values: readonly unknown[]): (value: unknown) => boolean {
  return (value) => values.includes(value)
}
