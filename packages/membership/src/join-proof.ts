import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Link } from '@dittofs/interface'

const EXPORTER_LABEL = 'EXPORTER-dittofs-join'

/**
 * Proves that whoever is at the end of this very link holds the ticket: on any other link, a man in the middle's
 * included, the exporter gives other bytes.
 *
 * @param joinKey - derived from the ticket's secret
 * @returns 32 bytes
 */
export function joinProof(link: Link, joinKey: Uint8Array): Uint8Array {
  return createHmac('sha256', joinKey).update(link.exportKeyingMaterial(32, EXPORTER_LABEL)).digest()
}

/** @param proof - 32 bytes */
export function isJoinProof(link: Link, joinKey: Uint8Array, proof: Uint8Array): boolean {
  return timingSafeEqual(joinProof(link, joinKey), proof)
}
