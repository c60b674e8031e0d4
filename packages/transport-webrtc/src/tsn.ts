/** Arithmetic on SCTP's transmission sequence numbers, which begin again after 2^32 (RFC 9260 section 1.6). */

const HALF = 2 ** 31

export function nextTsn(tsn: number): number {
  return (tsn + 1) >>> 0
}

/** How far `tsn` is behind `start`, from 0 to 2^32-1. */
export function tsnDistance(start: number, tsn: number): number {
  return (tsn - start) >>> 0
}

/** Whether `tsn` is `reference` or one before it. */
export function isTsnOld(reference: number, tsn: number): boolean {
  return tsnDistance(tsn, reference) < HALF
}

/**
 * The blocks of numbers that arrived past a gap (RFC 9260 section 3.3.4), each by its distance from `start`.
 *
 * @param start - the last number up to which everything arrived
 */
export function gapBlocks(start: number, arrived: Iterable<number>): [first: number, last: number][] {
  const distances = Array.from(arrived, (tsn) => tsnDistance(start, tsn)).sort((a, b) => a - b)
  const blocks: [number, number][] = []
  for (const distance of distances) {
    const last = blocks.at(-1)
    if (last !== undefined && last[1] + 1 === distance) last[1] = distance
    else blocks.push([distance, distance])
  }
  return blocks
}
