import { ManualClock, pseudoRandomBytes } from '@dittofs/testing'
import { type Memberships, openMemberships } from '../../src/memberships.ts'
import type { Signer } from '../../src/signer.ts'
import { MemoryKeyValueStore } from './memory-key-value-store.ts'

let seed = 0

/** A device's memberships; opened again on the same store they are those of the device after a restart. */
export async function openTestMemberships(
  signer: Signer,
  { store = new MemoryKeyValueStore(), clock = new ManualClock() } = {},
): Promise<{ memberships: Memberships; store: MemoryKeyValueStore; clock: ManualClock; signer: Signer }> {
  const random = (size: number) => pseudoRandomBytes(++seed, size)
  return { memberships: await openMemberships({ store, signer, clock, random }), store, clock, signer }
}
