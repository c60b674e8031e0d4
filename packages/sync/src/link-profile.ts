const KIB = 1024
const MIB = 1024 * KIB

/** How content is fetched over one link. Bytes are those of content. */
export interface LinkProfile {
  /** Asked for and not received yet, before anything was measured. A slow transport begins with less. */
  readonly startWindowBytes: number
  /** The same at most, whatever was measured. */
  readonly maxWindowBytes: number
  /** Milliseconds of the link's work that are asked for ahead, beside what is on its way. */
  readonly aheadMs: number
  /** One request, where the window has room for two of them. */
  readonly minRequestBytes: number
  readonly maxRequestBytes: number
  /** One call to the store, and calls at a time. */
  readonly putBytes: number
  readonly puts: number
  /** What all transfers of the device may hold together, from the request until it is stored. */
  readonly memoryBytes: number
  /** Peer connections that a busy WebRTC connection is spread over. */
  readonly connections: number
}

/** What each profile comes to. docs/configuration.md tells the same, and a test that it does. */
export const LINK_PROFILES = {
  lan: {
    ...{ startWindowBytes: 512 * KIB, maxWindowBytes: 32 * MIB, aheadMs: 500 },
    ...{ minRequestBytes: 64 * KIB, maxRequestBytes: 4 * MIB },
    ...{ putBytes: 4 * MIB, puts: 8, memoryBytes: 64 * MIB, connections: 1 },
  },
  wan: {
    ...{ startWindowBytes: 2 * MIB, maxWindowBytes: 32 * MIB, aheadMs: 1000 },
    ...{ minRequestBytes: 64 * KIB, maxRequestBytes: 4 * MIB },
    ...{ putBytes: 4 * MIB, puts: 8, memoryBytes: 64 * MIB, connections: 1 },
  },
  'small-files': {
    ...{ startWindowBytes: 4 * MIB, maxWindowBytes: 32 * MIB, aheadMs: 500 },
    ...{ minRequestBytes: 1 * MIB, maxRequestBytes: 4 * MIB },
    ...{ putBytes: 4 * MIB, puts: 8, memoryBytes: 64 * MIB, connections: 1 },
  },
  'low-memory': {
    ...{ startWindowBytes: 512 * KIB, maxWindowBytes: 4 * MIB, aheadMs: 250 },
    ...{ minRequestBytes: 64 * KIB, maxRequestBytes: 512 * KIB },
    ...{ putBytes: 1 * MIB, puts: 2, memoryBytes: 8 * MIB, connections: 1 },
  },
  max: {
    ...{ startWindowBytes: 8 * MIB, maxWindowBytes: 128 * MIB, aheadMs: 1000 },
    ...{ minRequestBytes: 64 * KIB, maxRequestBytes: 4 * MIB },
    ...{ putBytes: 8 * MIB, puts: 8, memoryBytes: 256 * MIB, connections: 4 },
  },
} as const satisfies Record<string, LinkProfile>

export type ProfileName = keyof typeof LINK_PROFILES

export const PROFILE_NAMES = Object.keys(LINK_PROFILES) as ProfileName[]

/** What a person may choose: one of them for all links, or for each what is measured of it. */
export const PROFILE_CHOICES = ['auto', ...PROFILE_NAMES] as const
export type ProfileChoice = 'auto' | ProfileName
