import { createHash } from 'node:crypto'

/** 63 bits: what signed 64-bit offsets of directories hold. */
const MASK = 2n ** 63n - 1n

/** A name's place in its directory's order. */
export interface NameCookie {
  readonly name: string
  /** 1 to 2^63-1. */
  readonly cookie: bigint
}

export type HashName = (name: string) => bigint

export const hashName: HashName = (name) => {
  return createHash('sha256').update(name).digest().readBigUInt64BE() & MASK
}

/**
 * Gives each name of a directory its place: by a hash of the name, so that it has it after a restart and whatever else
 * comes and goes, with nothing to remember.
 *
 * Two names with one hash are made on purpose, or never: the one that has the place keeps it, the other one has the next
 * that is free.
 *
 * @param before - what names had when they were last ordered
 * @returns by cookie, ascending
 */
export function orderNames(
  names: Iterable<string>,
  before: ReadonlyMap<string, bigint>,
  hash: HashName = hashName,
): NameCookie[] {
  const places = new Map<bigint, string>()
  const displaced: string[] = []
  for (const name of names) {
    const place = before.get(name) ?? atLeastOne(hash(name))
    const other = places.get(place)
    // Of two that come anew the lesser name has the place, whichever is told first.
    const isFirst = before.has(name) || (other !== undefined && !before.has(other) && name < other)
    if (other === undefined) places.set(place, name)
    else if (isFirst) {
      places.set(place, name)
      displaced.push(other)
    } else displaced.push(name)
  }
  for (const name of displaced.sort()) {
    let place = atLeastOne(hash(name))
    while (places.has(place)) place = atLeastOne((place + 1n) & MASK)
    places.set(place, name)
  }
  return [...places].map(([cookie, name]) => ({ name, cookie })).sort((a, b) => (a.cookie < b.cookie ? -1 : 1))
}

function atLeastOne(place: bigint): bigint {
  return place === 0n ? 1n : place
}
