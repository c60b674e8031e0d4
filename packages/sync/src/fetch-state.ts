/** What a device fetches by itself: everything shown, or only what somebody asks for. */
export const FETCH_POLICIES = ['all', 'on-demand'] as const
export type FetchPolicy = (typeof FETCH_POLICIES)[number]

/** Where a space's content stands. */
export interface FetchState {
  /** Chunks of current versions known not to be here, manifest nodes included, and their bytes. */
  readonly missingChunks: number
  readonly missingBytes: number
  /** Whether nothing more is looked for or asked of the present peers. */
  readonly isSettled: boolean
  /** Bytes stored since the space was added. */
  readonly storedBytes: number
  readonly bytesPerSecond: number
  /** Whether what nobody asked for is missing until there is room on the disk. */
  readonly isWaitingForRoom: boolean
  /** Bytes that are missing until a link is up that costs neither money nor battery. */
  readonly waitingForLinkBytes: number
  /** Why the store takes nothing at present. */
  readonly blockedBy?: unknown
}
