import type { Daemon } from './device-access.ts'

/** What is not finished this long after the signal to stop is left as a crash would leave it: whole. */
const STOP_TIMEOUT_MS = 4500

/**
 * Keeps a daemon until the command's signal is aborted, then closes it.
 *
 * @param announce - says that it is ready; a failure stops the daemon
 */
export async function runUntilSignal(
  daemon: Daemon,
  signal: AbortSignal,
  announce: () => Promise<void>,
): Promise<void> {
  try {
    await announce()
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          resolve()
        })
      })
    }
  } finally {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, STOP_TIMEOUT_MS)
    })
    await Promise.race([daemon.close(), patience])
    clearTimeout(timer)
  }
}
