import { DittoError } from '@dittofs/interface'

/**
 * Versions of the protocol, oldest first, each with the SHA-256 of the message schemas it was released with. A change
 * of a schema takes a new version here and a line in docs/protocol.md (Versions).
 */
export const PROTOCOL_HISTORY = [
  { version: 1, schemaHash: 'e6dcec6d491578af3b1d57256521d896c48917be38816d3f39f7dd78f4425a8c' },
] as const

/** Versions this build speaks. */
export const PROTOCOL_VERSIONS: readonly number[] = [1]

/**
 * @returns the highest version both speak
 * @throws DittoError DITTO_PROTOCOL_VERSION
 */
export function agreeVersion(own: readonly number[], theirs: readonly number[]): number {
  const common = own.filter((version) => theirs.includes(version))
  if (common.length === 0) {
    throw new DittoError(
      'DITTO_PROTOCOL_VERSION',
      'The peer speaks no version of the protocol that this device speaks: update the older one of the two.',
    )
  }
  return Math.max(...common)
}
