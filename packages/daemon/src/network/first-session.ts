import type { AbortOptions, Clock, SpaceId } from '@dittofs/interface'
import type { SyncEngine } from '@dittofs/sync'

/** After joining, how long to wait for the first session with the inviter before saying so. */
const FIRST_SESSION_MS = 5000

/** The link of pairing ends with it; the one that syncs is dialled at once and takes a moment. */
export async function untilFirstSession(
  { engine, clock, stop }: { engine: SyncEngine; clock: Clock; stop: AbortSignal },
  space: SpaceId,
  options: AbortOptions,
): Promise<void> {
  const isThere = () => engine.peers().some((peer) => peer.spaces.includes(space))
  const over = new AbortController()
  const signal = AbortSignal.any([over.signal, stop, ...(options.signal === undefined ? [] : [options.signal])])
  await new Promise<void>((resolve) => {
    const stopListening = engine.on('peer:change', () => {
      if (isThere()) over.abort()
    })
    if (isThere()) over.abort()
    void clock
      .sleep(FIRST_SESSION_MS, { signal })
      .catch(() => undefined)
      .then(() => {
        stopListening()
        resolve()
      })
  })
}
