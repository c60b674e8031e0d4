import { createHmac } from 'node:crypto'
import type { Link } from '@dittofs/interface'

const EXPORTER_LABEL = 'EXPORTER-dittofs-confirm'
const DIGITS = 6

/**
 * What both devices show when a person has to confirm a pairing: equal on both ends of this very link, and on any other
 * link, of whoever else has the ticket, others but for one chance in a million.
 *
 * @param joinKey - derived from the ticket's secret
 * @returns six decimal digits
 */
export function confirmDigits(link: Link, joinKey: Uint8Array): string {
  const bytes = createHmac('sha256', joinKey).update(link.exportKeyingMaterial(32, EXPORTER_LABEL)).digest()
  return String(bytes.readBigUInt64BE() % 10n ** BigInt(DIGITS)).padStart(DIGITS, '0')
}
