import type { Event, Writer } from './event.ts'

/**
 * For each writer the highest time covered. As the vector of a version: what that version replaces. As a cut: what
 * its author held.
 */
export type VersionVector = ReadonlyMap<Writer, number>

export const EMPTY_VECTOR: VersionVector = new Map()

export function covers(vector: VersionVector, event: Event): boolean {
  return event.t <= (vector.get(event.writer) ?? -1)
}

/** Widens `vector` to cover all that `other` covers. */
export function joinInto(vector: Map<Writer, number>, other: VersionVector): void {
  for (const [writer, t] of other) widen(vector, writer, t)
}

/** Widens `vector` to cover one event. */
export function widen(vector: Map<Writer, number>, writer: Writer, t: number): void {
  if (t > (vector.get(writer) ?? -1)) vector.set(writer, t)
}
