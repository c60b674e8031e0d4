import { LINK_PROFILES, type ProfileName } from './link-profile.ts'

const MIB = 1024 * 1024

/** A machine with less has little to give to transfers. */
const LITTLE_MEMORY_BYTES = 1024 * MIB
/** A machine with less is not asked for the memory of `max`. */
const MUCH_MEMORY_BYTES = 4 * 1024 * MIB
/** From here on a device is not in the same building: a request that waits for an answer costs something. */
const FAR_MS = 20
/** Chunks in the mean: those of files past 64 KiB are larger, and a file below is one chunk. */
const SMALL_CHUNK_BYTES = 32 * 1024

/** What is known of a link and of the machine; what is not known yet is absent. */
export interface LinkMeasurements {
  /** At which content came. */
  readonly bytesPerSecond?: number
  /** The shortest seen. */
  readonly roundTripMs?: number
  /** Memory of the machine, or what this process may have of it. */
  readonly memoryBytes?: number
  /** In the mean, of what waits to be fetched, where much does. */
  readonly waitingChunkBytes?: number
}

/** The profile for what was measured: the scarcest thing decides. `lan` where nothing is known. */
export function chooseProfile(measured: LinkMeasurements): ProfileName {
  const { bytesPerSecond = 0, roundTripMs = 0, memoryBytes, waitingChunkBytes } = measured
  if (memoryBytes !== undefined && memoryBytes < LITTLE_MEMORY_BYTES) return 'low-memory'
  if (waitingChunkBytes !== undefined && waitingChunkBytes < SMALL_CHUNK_BYTES) return 'small-files'
  const underWayBytes = (bytesPerSecond * roundTripMs) / 1000
  const isWindowShort = underWayBytes > LINK_PROFILES.wan.maxWindowBytes / 2
  if (isWindowShort && (memoryBytes ?? 0) >= MUCH_MEMORY_BYTES) return 'max'
  return roundTripMs >= FAR_MS ? 'wan' : 'lan'
}
