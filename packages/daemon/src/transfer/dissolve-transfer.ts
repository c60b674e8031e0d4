import type { ChunkId, ChunkStore, SpaceId } from '@dittofs/interface'
import type { Memberships } from '@dittofs/membership'
import type { SpaceRegistry } from '../spaces/space-registry.ts'
import type { Origins } from '../state/origins.ts'
import type { TransferTable } from './transfer-table.ts'

/** A receiver may come back for what it has not written yet for so long after its ticket expired. */
const RESUME_MS = 24 * 60 * 60 * 1000

export interface DissolveInit {
  spaces: SpaceRegistry
  store: ChunkStore
  origins: Origins
  memberships: Memberships
  transfers: TransferTable
}

/**
 * Ends the space of a transfer on this device: nothing of it stays in the home. Stopped in the middle it is done again
 * at the next start, so the note that there is such a space goes last.
 */
export async function dissolveTransfer(init: DissolveInit, id: SpaceId): Promise<void> {
  const { spaces, store, origins, memberships, transfers } = init
  await spaces.closeAside(id)
  await store.collect(id, nothing())
  const number = await spaces.erase(id)
  if (number !== undefined) await origins.forget(number)
  await memberships.forget(id)
  await transfers.delete(id)
}

/** Ends what a stop left behind: all that was sent, and what was being received too long ago to be gone on with. */
export async function dissolveLeftovers(init: DissolveInit, now: number): Promise<void> {
  for (const [id, { kind, expiresAt }] of init.transfers.all()) {
    if (kind === 'send' || now > expiresAt + RESUME_MS) await dissolveTransfer(init, id)
  }
}

async function* nothing(): AsyncGenerator<readonly ChunkId[]> {}
