import { type Clock, DittoError, type Link } from '@dittofs/interface'

/** How long the end may take to reach a peer that does not read; a removed device is gone within it. */
const CLOSE_TIMEOUT_MS = 1000

/** Closes a link once what was sent is read, or cuts it where that takes too long. */
export async function closeLink(link: Link, clock: Clock): Promise<void> {
  const over = new AbortController()
  const timeout = clock.sleep(CLOSE_TIMEOUT_MS, { signal: over.signal }).then(
    () => link.abort(new DittoError('DITTO_LINK_TIMEOUT', 'The peer did not read what was sent.')),
    () => undefined,
  )
  await Promise.race([link.close().catch(() => undefined), timeout])
  over.abort()
}
