import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'

/** A directory of a check that was cut off is removed by the next one this much later: none takes that long. */
const LEFT_BEHIND_MS = 60 * 60 * 1000
const OWN_NAME = /^integrity-[0-9a-f]{12}$/

/**
 * Lets `body` have a new directory below `parent`, for its owner alone, and removes it whatever happens; first of all
 * what checks that were cut off left there.
 *
 * @param nowMs - milliseconds since the Unix epoch
 */
export async function withOwnDirectory<T>(
  parent: string,
  nowMs: number,
  body: (place: string) => Promise<T>,
): Promise<T> {
  await removeLeftBehind(parent, nowMs)
  const place = path.join(parent, `integrity-${randomBytes(6).toString('hex')}`)
  await mkdir(place, { mode: 0o700 })
  try {
    return await body(place)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

async function removeLeftBehind(parent: string, nowMs: number): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!OWN_NAME.test(name)) continue
    const place = path.join(parent, name)
    const { mtimeMs } = await stat(place)
    if (nowMs - mtimeMs > LEFT_BEHIND_MS) await rm(place, { recursive: true, force: true })
  }
}
