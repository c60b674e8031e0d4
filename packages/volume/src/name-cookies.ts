import { hash as digest } from 'node:crypto'

/** 63 bits: what signed 64-bit offsets of directories hold. */
const MASK = 2n ** 63n - 1n
/** Names hashed and sorted, and names merged, in one step: below a millisecond. */
const SORTED_PER_STEP = 500
const MERGED_PER_STEP = 10_000

/** A name's place in its directory's order. */
export interface NameCookie {
  readonly name: string
  /** 1 to 2^63-1. */
  readonly cookie: bigint
}

/** The names of a directory by cookie, ascending. */
export interface NameOrder {
  readonly names: readonly NameCookie[]
  /** The cookies that are not the hash of their name, which another one had. */
  readonly displaced: ReadonlyMap<string, bigint>
}

export type HashName = (name: string) => bigint

export const hashName: HashName = (name) => digest('sha256', name, 'buffer').readBigUInt64BE() & MASK

export const NO_NAMES: NameOrder = { names: [], displaced: new Map() }

/**
 * Gives each name of a directory its place: by a hash of the name, so that it has it after a restart and whatever else
 * comes and goes, with nothing to remember. In steps, for a directory may hold any number of names.
 *
 * Two names with one hash are made on purpose, or never: the one that has the place keeps it, the other one has the next
 * that is free.
 *
 * @param told - the names, some of them perhaps twice
 * @param before - the places that names had last
 */
export function* orderNames(
  told: Iterable<string>,
  before: NameOrder,
  hash: HashName = hashName,
): Generator<void, NameOrder> {
  const names: NameCookie[] = []
  const displaced = new Map<string, bigint>()
  const homeless = new Set<string>()
  const placed = yield* sortedInSteps(placesOf(told, before, hash))
  for (const [index, next] of placed.entries()) {
    if (index % MERGED_PER_STEP === MERGED_PER_STEP - 1) yield
    const last = names.at(-1)
    if (last?.cookie !== next.cookie) names.push(next)
    else if (last.name !== next.name) {
      // Of two that come anew the lesser name has the place, whichever is told first.
      const isFirst = hasPlace(before, next.name, hash) || (!hasPlace(before, last.name, hash) && next.name < last.name)
      if (isFirst) names[names.length - 1] = next
      homeless.add(isFirst ? last.name : next.name)
    }
  }
  if (before.displaced.size > 0) {
    for (const { name, cookie } of names) if (before.displaced.has(name)) displaced.set(name, cookie)
  }
  for (const name of [...homeless].sort()) {
    let cookie = placeOf(name, hash)
    let at = firstFrom(names, cookie)
    while (names[at]?.cookie === cookie) {
      cookie = atLeastOne((cookie + 1n) & MASK)
      at = cookie === 1n ? 0 : at + 1
    }
    names.splice(at, 0, { name, cookie })
    displaced.set(name, cookie)
  }
  return { names, displaced }
}

/**
 * Brings the places of a directory's names up to date after some of them came or went, in steps.
 *
 * @param changed - by name, whether it stands in the directory now
 * @returns `undefined` where names meet, or have met, in one place: all must be ordered anew
 */
export function* reorderNames(
  before: NameOrder,
  changed: ReadonlyMap<string, boolean>,
  hash: HashName = hashName,
): Generator<void, NameOrder | undefined> {
  if (before.displaced.size > 0) return undefined
  const there = [...changed].flatMap(([name, isThere]) => (isThere ? [name] : []))
  const coming = yield* sortedInSteps(placesOf(there, before, hash))
  const staying = before.names
  const names: NameCookie[] = []
  let [inStaying, inComing] = [0, 0]
  for (let taken = 1; inStaying < staying.length || inComing < coming.length; taken++) {
    if (taken % MERGED_PER_STEP === 0) yield
    const [old, fresh] = [staying[inStaying], coming[inComing]]
    if (old !== undefined && changed.has(old.name)) inStaying += 1
    else if (old !== undefined && old.cookie === fresh?.cookie) return undefined
    else if (old !== undefined && (fresh === undefined || old.cookie < fresh.cookie)) {
      names.push(old)
      inStaying += 1
    } else {
      const next = fresh as NameCookie
      if (names.at(-1)?.cookie === next.cookie) return undefined
      names.push(next)
      inComing += 1
    }
  }
  return { names, displaced: before.displaced }
}

/** The index of the first name that has a cookie, or a higher one. */
export function firstFrom(names: readonly NameCookie[], cookie: bigint): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((names[middle] as NameCookie).cookie < cookie) low = middle + 1
    else high = middle
  }
  return low
}

function* placesOf(names: Iterable<string>, { displaced }: NameOrder, hash: HashName): Generator<NameCookie> {
  for (const name of names) yield { name, cookie: displaced.get(name) ?? placeOf(name, hash) }
}

function hasPlace({ names, displaced }: NameOrder, name: string, hash: HashName): boolean {
  return displaced.has(name) || names[firstFrom(names, placeOf(name, hash))]?.name === name
}

function placeOf(name: string, hash: HashName): bigint {
  return atLeastOne(hash(name))
}

function atLeastOne(place: bigint): bigint {
  return place === 0n ? 1n : place
}

/** Short runs sorted, then two and two merged. */
function* sortedInSteps(names: Iterable<NameCookie>): Generator<void, NameCookie[]> {
  let runs: NameCookie[][] = []
  let run: NameCookie[] = []
  for (const name of names) {
    run.push(name)
    if (run.length < SORTED_PER_STEP) continue
    runs.push(run.sort(byCookie))
    run = []
    yield
  }
  if (run.length > 0) runs.push(run.sort(byCookie))
  while (runs.length > 1) {
    const merged: NameCookie[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedInSteps(runs[at] as NameCookie[], runs[at + 1] ?? []))
    }
    runs = merged
  }
  return runs[0] ?? []
}

function* mergedInSteps(a: readonly NameCookie[], b: readonly NameCookie[]): Generator<void, NameCookie[]> {
  const merged: NameCookie[] = []
  let [inA, inB] = [0, 0]
  while (inA < a.length || inB < b.length) {
    const [nextA, nextB] = [a[inA], b[inB]]
    if (nextA !== undefined && (nextB === undefined || nextA.cookie <= nextB.cookie)) {
      merged.push(nextA)
      inA += 1
    } else {
      merged.push(nextB as NameCookie)
      inB += 1
    }
    if (merged.length % MERGED_PER_STEP === 0) yield
  }
  return merged
}

function byCookie(a: NameCookie, b: NameCookie): number {
  return a.cookie < b.cookie ? -1 : a.cookie > b.cookie ? 1 : 0
}
